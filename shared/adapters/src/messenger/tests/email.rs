//! A relay that says no, hangs or cuts the line at every step.

use std::sync::{Arc, Mutex};

use domain::clock::SystemClock;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf},
    task::{JoinHandle, JoinSet},
};

use crate::messenger::{Messenger, SendOutcome, SmtpConfig, conformance::notice};

/// The steps of a session, by the command that the relay answers.
const STEPS: [&str; 6] = ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "CONTENT"];

#[derive(Clone, Copy)]
enum Act {
    Say(&'static str),
    Hang,
    Cut,
}

/// A relay that takes everything, but for one step.
struct TestRelay {
    port: u16,
    taken: Arc<Mutex<Vec<String>>>,
    connections: Arc<Mutex<usize>>,
    task: JoinHandle<()>,
}

impl Drop for TestRelay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl TestRelay {
    async fn start(at: &'static str, act: Act) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (taken, connections) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(0)));
        let (log, count) = (Arc::clone(&taken), Arc::clone(&connections));
        let task = tokio::spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                *count.lock().unwrap() += 1;
                open.spawn(session(stream, at, act, Arc::clone(&log)));
            }
        });
        Self { port, taken, connections, task }
    }

    fn email(&self, timeout_ms: u64, extra: &str) -> Arc<dyn Messenger> {
        let config: SmtpConfig = toml::from_str(&format!(
            "host = \"127.0.0.1\"\nport = {}\nfrom = \"Desk <desk@clinic.example>\"\ntimeout_ms = {timeout_ms}\n{extra}",
            self.port
        ))
        .unwrap();
        config.connect(Arc::new(SystemClock)).unwrap()
    }
}

async fn session(stream: TcpStream, at: &str, act: Act, taken: Arc<Mutex<Vec<String>>>) -> Option<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    let mut step = "CONNECT".to_owned();
    loop {
        let usual = match step.as_str() {
            "CONNECT" => "220 relay",
            "EHLO" => "250-relay\r\n250 8BITMIME",
            "DATA" => "354 go on",
            "CONTENT" | "MAIL" | "RCPT" | "NOOP" => "250 ok",
            "QUIT" => "221 bye",
            _ => "502 what",
        };
        let say = match act {
            _ if step != at => usual,
            Act::Say(text) => text,
            Act::Cut => return None,
            Act::Hang => std::future::pending().await,
        };
        write.write_all(format!("{say}\r\n").as_bytes()).await.ok()?;
        step = if say.starts_with("354") {
            let content = content(&mut lines).await?;
            taken.lock().unwrap().push(content);
            "CONTENT".to_owned()
        } else {
            let line = lines.next_line().await.ok()??;
            line.split([' ', ':']).next().unwrap_or_default().to_uppercase()
        };
    }
}

async fn content(lines: &mut Lines<BufReader<OwnedReadHalf>>) -> Option<String> {
    let mut all = String::new();
    loop {
        match lines.next_line().await.ok()?? {
            end if end == "." => return Some(all),
            line => all.push_str(&format!("{line}\n")),
        }
    }
}

async fn send(at: &'static str, act: Act, timeout_ms: u64) -> SendOutcome {
    let relay = TestRelay::start(at, act).await;
    relay.email(timeout_ms, "security = \"none\"").send(&notice("k1", "zelda@example.com")).await
}

#[tokio::test]
async fn before_the_end_of_the_data_nothing_was_taken() {
    for step in STEPS {
        let (cut, hung) = (send(step, Act::Cut, 20_000).await, send(step, Act::Hang, 300).await);
        let expected = if step == "CONTENT" { SendOutcome::Unknown } else { SendOutcome::NotSent };
        assert_eq!((cut, hung), (expected.clone(), expected), "{step}");
    }
}

#[tokio::test]
async fn try_later_and_never() {
    for step in STEPS {
        assert_eq!(send(step, Act::Say("451 later"), 20_000).await, SendOutcome::NotSent, "{step}");
        // What is refused before the recipient is named is about us, not about this message.
        let about_us = ["CONNECT", "EHLO", "MAIL"].contains(&step);
        let expected = if about_us { SendOutcome::NotSent } else { SendOutcome::Refused };
        assert_eq!(send(step, Act::Say("550 never"), 20_000).await, expected, "{step}");
    }
    assert_eq!(send("CONTENT", Act::Say("gibberish"), 20_000).await, SendOutcome::Unknown);
}

#[tokio::test]
async fn a_relay_without_starttls_is_not_used() {
    let relay = TestRelay::start("NEVER", Act::Cut).await;
    let outcome = relay.email(20_000, "").send(&notice("k1", "zelda@example.com")).await;
    assert_eq!(outcome, SendOutcome::NotSent);
    assert!(relay.taken.lock().unwrap().is_empty());
}

#[tokio::test]
async fn the_message_and_its_calendar_entry() {
    let relay = TestRelay::start("NEVER", Act::Cut).await;
    let email = relay.email(20_000, "security = \"none\"");
    let mut notice = notice("ab12", "zelda@example.com");
    notice.subject = "Your visit\r\nBcc: everybody@example.com".to_owned();
    assert_eq!(email.send(&notice).await, SendOutcome::Sent { id: "<ab12@clinic.example>".to_owned() });
    notice.invite = None;
    assert!(matches!(email.send(&notice).await, SendOutcome::Sent { .. }));
    assert_eq!(
        email.send(&crate::messenger::Notice { to: "nobody".to_owned(), ..notice }).await,
        SendOutcome::Refused
    );

    let taken = relay.taken.lock().unwrap().clone();
    assert_eq!((taken.len(), *relay.connections.lock().unwrap()), (2, 1), "one connection for both");
    for header in [
        "Message-ID: <ab12@clinic.example>",
        "To: zelda@example.com",
        "Auto-Submitted: auto-generated",
        "Subject: Your visit  Bcc: everybody@example.com",
    ] {
        assert!(taken[0].lines().any(|line| line == header), "{header}\n{}", taken[0]);
    }
    assert!(taken[0].contains("Content-Type: text/calendar; charset=utf-8; method=PUBLISH"));
    assert!(taken[0].contains("filename=\"visit.ics\""));
    assert!(!taken[1].contains("text/calendar"));
}

#[tokio::test]
async fn conforms() {
    let relay = TestRelay::start("NEVER", Act::Cut).await;
    let email = relay.email(20_000, "security = \"none\"");
    crate::messenger::conformance::run(email.as_ref(), "s", "zelda@example.com").await;
}
