use std::sync::Arc;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufStream};
use tokio::net::TcpStream;

use super::Test;
use crate::sandbox::{Class, Commit, Fault, Rule};

/// A raw client.
struct Client<S>(BufStream<S>);

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    /// Sends, and reads one reply, all its lines; empty if the connection is gone.
    async fn say(&mut self, text: &str) -> String {
        if self.0.write_all(text.as_bytes()).await.is_err() || self.0.flush().await.is_err() {
            return String::new();
        }
        self.hear().await
    }

    async fn hear(&mut self) -> String {
        let mut reply = String::new();
        loop {
            let before = reply.len();
            match self.0.read_line(&mut reply).await {
                Ok(read) if read > 0 && reply.as_bytes().get(before + 3) == Some(&b'-') => {}
                Ok(_) => return reply,
                Err(_) => return String::new(),
            }
        }
    }

    async fn mail(&mut self, body: &str) -> String {
        assert!(self.say("MAIL FROM:<clinic@example.test>\r\n").await.starts_with("250"));
        assert!(self.say("RCPT TO:<ann@example.test>\r\n").await.starts_with("250"));
        assert!(self.say("DATA\r\n").await.starts_with("354"));
        self.say(&format!("{body}\r\n.\r\n")).await
    }
}

async fn connect(test: &Test) -> Client<TcpStream> {
    let socket = TcpStream::connect(test.sandbox.addresses().smtp_addr).await.expect("connects");
    let mut client = Client(BufStream::new(socket));
    assert!(client.hear().await.starts_with("220"));
    client
}

const MAIL: &str =
    "Subject: Visit\r\nMessage-ID: <m1@example.test>\r\nContent-Type: text/plain\r\n\r\n..hidden dot";

#[tokio::test]
async fn a_dialogue_from_hello_to_quit() {
    let test = Test::with(|config| config.mail_size_limit = 1_000).await;
    let mut client = connect(&test).await;
    let hello = client.say("EHLO client.test\r\n").await;
    assert!(hello.contains("250-PIPELINING") && hello.contains("SIZE 1000") && !hello.contains("STARTTLS"));
    for (line, code) in [
        ("RCPT TO:<ann@example.test>\r\n", "503"),
        ("DATA\r\n", "503"),
        ("MAIL FROM:clinic\r\n", "501"),
        ("MAIL FROM:<a@b.test> SIZE=5000\r\n", "552"),
        ("MAIL FROM:<a@b.test>\r\n", "250"),
        ("MAIL FROM:<a@b.test>\r\n", "503"),
        ("RSET\r\n", "250"),
        ("NOOP\r\n", "250"),
        ("STARTTLS\r\n", "502"),
        ("TURN\r\n", "500"),
    ] {
        assert!(client.say(line).await.starts_with(code), "{line}");
    }
    assert!(client.mail(MAIL).await.starts_with("250 2.0.0 queued as mail-1"));
    assert!(client.mail(&"x".repeat(2_000)).await.starts_with("552"));
    // Pipelined: three commands at once, three replies.
    let first = client.say("MAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nDATA\r\n").await;
    assert!(first.starts_with("250"));
    assert!(client.hear().await.starts_with("250"));
    assert!(client.hear().await.starts_with("354"));
    assert!(client.say("\r\nno headers\r\n.\r\n").await.starts_with("250"));
    assert!(client.say("QUIT\r\n").await.starts_with("221"));

    let messages = test.sandbox.messages();
    assert_eq!(messages.len(), 2);
    assert_eq!(messages[0].to, ["ann@example.test"]);
    assert_eq!(messages[0].subject.as_deref(), Some("Visit"));
    assert_eq!(messages[0].message_id.as_deref(), Some("<m1@example.test>"));
    assert!(messages[0].body.starts_with(".hidden dot"));
    assert!(!messages[0].has_calendar);
    assert_eq!(test.sandbox.counts().mails, 2);
}

#[tokio::test]
async fn faults_strike_at_the_end_of_data() {
    let test = Test::start().await;
    let rule = |fault| Rule::new(Class::Smtp, fault).times(1);
    let rules = vec![
        rule(Fault::Throttle { retry_after_s: None }),
        rule(Fault::Error { status: Some(550), commit: Commit::Before }),
        rule(Fault::Error { status: None, commit: Commit::After }),
        rule(Fault::Cut { commit: Commit::After }),
    ];
    test.sandbox.set_faults(rules).expect("rules");
    let mut client = connect(&test).await;
    assert!(client.mail(MAIL).await.starts_with("450"));
    assert!(client.mail(MAIL).await.starts_with("550"));
    assert_eq!(test.sandbox.counts().mails, 0);
    assert!(client.mail(MAIL).await.starts_with("451"));
    assert_eq!(test.sandbox.counts().mails, 1);
    assert_eq!(client.mail(MAIL).await, "");
    assert_eq!(test.sandbox.counts().mails, 2);
    assert!(connect(&test).await.mail(MAIL).await.starts_with("250"));
}

#[tokio::test]
async fn starttls_shows_the_certificate_made_at_start() {
    let test = Test::with(|config| config.smtp_starttls = true).await;
    let pem = test.sandbox.smtp_ca_pem().expect("a certificate");
    let der = {
        use base64::Engine as _;
        let text: String = pem.lines().filter(|line| !line.starts_with("---")).collect();
        base64::engine::general_purpose::STANDARD.decode(text).expect("base64")
    };
    let mut roots = rustls::RootCertStore::empty();
    roots.add(der.into()).expect("a root");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();

    let mut client = connect(&test).await;
    assert!(client.say("EHLO client.test\r\n").await.contains("250-STARTTLS"));
    assert!(client.say("STARTTLS\r\n").await.starts_with("220"));
    let name = ServerName::try_from("localhost").expect("a name");
    let secure =
        tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, client.0.into_inner()).await;
    let mut client = Client(BufStream::new(secure.expect("TLS")));
    assert!(!client.say("EHLO client.test\r\n").await.contains("STARTTLS"));
    assert!(client.say("AUTH PLAIN AGEAYg==\r\n").await.starts_with("235"));
    assert!(client.mail(MAIL).await.starts_with("250"));
    assert_eq!(test.sandbox.counts().mails, 1);
}
