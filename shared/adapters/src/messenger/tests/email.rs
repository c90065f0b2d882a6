//! A relay that says no, hangs or cuts the line at every step.

use std::{
    io::Write as _,
    sync::{Arc, Mutex},
};

use domain::clock::SystemClock;
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    net::TcpListener,
    task::{JoinHandle, JoinSet},
};
use tokio_rustls::TlsAcceptor;

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
        Self::start_with(at, act, None).await
    }

    /// With an acceptor, it offers STARTTLS.
    async fn start_with(at: &'static str, act: Act, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (taken, connections) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(0)));
        let (log, count) = (Arc::clone(&taken), Arc::clone(&connections));
        let task = tokio::spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                *count.lock().unwrap() += 1;
                let (log, tls) = (Arc::clone(&log), tls.clone());
                open.spawn(async move {
                    let offer = tls.is_some();
                    let upgraded = session(stream, "CONNECT", offer, (at, act), &log).await?;
                    let encrypted = tls?.accept(upgraded).await.ok()?;
                    session(encrypted, "STARTED", false, (at, act), &log).await.map(drop)
                });
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

/// One session from a step on. Gives the stream back where TLS is to begin.
async fn session<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    from: &str,
    offer_tls: bool,
    (at, act): (&str, Act),
    taken: &Mutex<Vec<String>>,
) -> Option<S> {
    let mut stream = BufReader::new(stream);
    let mut step = from.to_owned();
    loop {
        let usual = match step.as_str() {
            "CONNECT" => "220 relay",
            // After TLS began, the client speaks first.
            "STARTED" => "",
            "EHLO" if offer_tls => "250-relay\r\n250 STARTTLS",
            "EHLO" => "250-relay\r\n250 8BITMIME",
            "STARTTLS" if offer_tls => "220 go on",
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
        if !say.is_empty() {
            stream.write_all(format!("{say}\r\n").as_bytes()).await.ok()?;
            stream.flush().await.ok()?;
        }
        if step == "STARTTLS" && offer_tls {
            return Some(stream.into_inner());
        }
        step = if say.starts_with("354") {
            let content = content(&mut stream).await?;
            taken.lock().unwrap().push(content);
            "CONTENT".to_owned()
        } else {
            let line = line(&mut stream).await?;
            line.split([' ', ':']).next().unwrap_or_default().to_uppercase()
        };
    }
}

async fn line(stream: &mut (impl AsyncBufReadExt + Unpin)) -> Option<String> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
    Some(line.trim_end().to_owned())
}

async fn content(stream: &mut (impl AsyncBufReadExt + Unpin)) -> Option<String> {
    let mut all = Vec::new();
    loop {
        match line(stream).await? {
            end if end == "." => return Some(all.join("\n")),
            line => all.push(line),
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
        // The relay must be reached before the time is up only where that makes a difference.
        let (expected, haste) = match step {
            "CONTENT" => (SendOutcome::Unknown, 3_000),
            _ => (SendOutcome::NotSent, 300),
        };
        let (cut, hung) = (send(step, Act::Cut, 20_000).await, send(step, Act::Hang, haste).await);
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

/// A certificate of its own, as PEM, and what presents it.
fn identity() -> (String, TlsAcceptor) {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.into())
        .unwrap();
    let pem = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, made.cert.der());
    (
        format!("-----BEGIN CERTIFICATE-----\n{pem}\n-----END CERTIFICATE-----\n"),
        TlsAcceptor::from(Arc::new(config)),
    )
}

#[tokio::test]
async fn starttls_trusts_only_whom_it_should() {
    let (pem, tls) = identity();
    let relay = TestRelay::start_with("NEVER", Act::Cut, Some(tls)).await;
    let send = async |pem: &str| {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(pem.as_bytes()).unwrap();
        let email = relay.email(20_000, &format!("ca_file = {:?}", file.path()));
        email.send(&notice("k1", "zelda@example.com")).await
    };
    assert!(matches!(send(&pem).await, SendOutcome::Sent { .. }));
    let (stranger, _) = identity();
    assert_eq!(send(&stranger).await, SendOutcome::NotSent);
    assert_eq!(relay.taken.lock().unwrap().len(), 1);
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
