//! One dialogue.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncBufRead, AsyncWrite, AsyncWriteExt};

use super::command::Command;
use super::input::{self, Line};
use super::mail;
use crate::sandbox::app::{App, lock};
use crate::sandbox::faults::{Class, Interaction, Request, Served, serve};

/// How a dialogue ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Closed,
    /// Reset the connection.
    Cut,
    StartTls,
}

/// Most recipients of one mail.
const MAX_RECIPIENTS: usize = 100;

pub(super) struct Session {
    app: Arc<App>,
    offers_tls: bool,
    from: Option<String>,
    to: Vec<String>,
}

impl Session {
    pub(super) const fn new(app: Arc<App>, offers_tls: bool) -> Self {
        Self { app, offers_tls, from: None, to: Vec::new() }
    }

    /// Talks until the client is done, a fault cuts, or TLS begins.
    pub(super) async fn run<S>(&mut self, stream: &mut S, greet: bool) -> io::Result<End>
    where
        S: AsyncBufRead + AsyncWrite + Unpin + Send,
    {
        if greet {
            say(stream, "220 localhost sandbox ESMTP: for tests only, delivers nothing").await?;
        }
        loop {
            let line = match input::line(stream).await? {
                Line::End => return Ok(End::Closed),
                Line::TooLong => {
                    say(stream, "500 5.5.2 line too long").await?;
                    continue;
                }
                Line::Whole(line) => line,
            };
            match Command::parse(&line) {
                Command::Quit => {
                    say(stream, "221 2.0.0 bye").await?;
                    return Ok(End::Closed);
                }
                Command::StartTls if self.offers_tls => {
                    say(stream, "220 2.0.0 go ahead").await?;
                    return Ok(End::StartTls);
                }
                Command::AuthPlain(at_once) => {
                    if !at_once {
                        say(stream, "334 ").await?;
                        input::line(stream).await?;
                    }
                    say(stream, "235 2.7.0 accepted").await?;
                }
                Command::Data if !self.to.is_empty() => {
                    if !self.data(stream).await? {
                        return Ok(End::Cut);
                    }
                }
                command => say(stream, &self.answer(command)).await?,
            }
        }
    }

    /// The commands that need no more than an answer.
    fn answer(&mut self, command: Command) -> String {
        let limit = self.app.mail_size_limit;
        match command {
            Command::Hello { extended } => {
                self.reset();
                if !extended {
                    return "250 localhost".to_owned();
                }
                let tls = if self.offers_tls { "250-STARTTLS\r\n" } else { "" };
                format!(
                    "250-localhost\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n{tls}250-AUTH PLAIN\r\n250-ENHANCEDSTATUSCODES\r\n250 SIZE {limit}"
                )
            }
            Command::Mail { .. } if self.from.is_some() => "503 5.5.1 one MAIL at a time".to_owned(),
            Command::Mail { size: Some(size), .. } if size > limit => "552 5.3.4 too large".to_owned(),
            Command::Mail { from, .. } => {
                self.from = Some(from);
                "250 2.1.0 ok".to_owned()
            }
            Command::Recipient(_) if self.from.is_none() => "503 5.5.1 MAIL first".to_owned(),
            Command::Recipient(_) if self.to.len() >= MAX_RECIPIENTS => "452 4.5.3 too many".to_owned(),
            Command::Recipient(to) => {
                self.to.push(to);
                "250 2.1.5 ok".to_owned()
            }
            Command::Data => "503 5.5.1 RCPT first".to_owned(),
            Command::Reset => {
                self.reset();
                "250 2.0.0 ok".to_owned()
            }
            Command::Nothing => "250 2.0.0 ok".to_owned(),
            Command::Malformed => "501 5.5.4 bad arguments".to_owned(),
            Command::StartTls => "502 5.5.1 not offered".to_owned(),
            Command::Unknown | Command::Quit | Command::AuthPlain(_) => {
                "500 5.5.2 unknown command".to_owned()
            }
        }
    }

    fn reset(&mut self) {
        self.from = None;
        self.to.clear();
    }

    /// Takes a mail; false if the connection is to be cut.
    async fn data<S>(&mut self, stream: &mut S) -> io::Result<bool>
    where
        S: AsyncBufRead + AsyncWrite + Unpin + Send,
    {
        say(stream, "354 end with a lone dot").await?;
        let raw = input::mail(stream, self.app.mail_size_limit).await?;
        let from = self.from.take().unwrap_or_default();
        let to = std::mem::take(&mut self.to);
        let Some(raw) = raw else {
            say(stream, "552 5.3.4 too large").await?;
            return Ok(true);
        };
        let injection = self.app.faults.decide(&Request::plain(Class::Smtp, Interaction::Send));
        let app = Arc::clone(&self.app);
        let served = serve(injection, &self.app.stop, move || {
            let mail = mail::read(&raw, from, to, app.now());
            lock(&app.outbox).mail(mail)
        })
        .await;
        let reply = match served {
            Served::Answer(id) => format!("250 2.0.0 queued as {id}"),
            Served::Refused { status: Some(429), .. } => "450 4.7.1 too many, try later".to_owned(),
            Served::Refused { status: Some(status), .. } => format!("{status} {}.3.0 refused", status / 100),
            Served::Refused { status: None, .. } => "451 4.3.0 try later".to_owned(),
            Served::Unauthorized | Served::Aaa(_) => "530 5.7.0 authenticate first".to_owned(),
            Served::Garbage => "\u{1}\u{2}not a reply".to_owned(),
            Served::Cut => return Ok(false),
        };
        say(stream, &reply).await?;
        Ok(true)
    }
}

async fn say<S: AsyncWrite + Unpin + Send>(stream: &mut S, text: &str) -> io::Result<()> {
    stream.write_all(format!("{text}\r\n").as_bytes()).await?;
    stream.flush().await
}
