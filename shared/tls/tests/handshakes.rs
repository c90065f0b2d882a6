//! Handshakes that are made and handshakes that are refused, and files that change under way.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::{
    net::SocketAddr,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::pki_types::ServerName;
use testkit::certificates::{Authority, Identity};
use tls::{Acceptor, Client, Files, PemFiles};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

fn client_files(ca: &Path, identity: Option<&Identity>) -> Files {
    let of = |path: fn(&Identity) -> &PathBuf| identity.map(|one| path(one).clone());
    Files { ca: Some(ca.to_owned()), cert: of(|one| &one.cert), key: of(|one| &one.key) }
}

/// A listener that says the same back.
async fn echo(acceptor: Acceptor) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else { return };
                let (mut from, mut to) = tokio::io::split(stream);
                let _ = tokio::io::copy(&mut from, &mut to).await;
            });
        }
    });
    address
}

async fn open(client: &Client, address: SocketAddr, host: &str) -> std::io::Result<TlsStream<TcpStream>> {
    let connector = TlsConnector::from(Arc::new(client.config().unwrap()));
    let name = ServerName::try_from(host.to_owned()).unwrap();
    let mut stream = connector.connect(name, TcpStream::connect(address).await?).await?;
    // In TLS 1.3 a client that is refused learns it from the first answer only.
    said(&mut stream).await?;
    Ok(stream)
}

async fn said(stream: &mut TlsStream<TcpStream>) -> std::io::Result<()> {
    stream.write_all(b"hello").await?;
    let mut back = [0; 5];
    stream.read_exact(&mut back).await?;
    assert_eq!(&back, b"hello");
    Ok(())
}

#[tokio::test]
async fn both_sides_know_whom_they_speak_to() {
    let folder = tempfile::tempdir().unwrap();
    let (ours, theirs) = (Authority::new("ours").unwrap(), Authority::new("theirs").unwrap());
    let (ca, other_ca) =
        (ours.write(folder.path(), "ca").unwrap(), theirs.write(folder.path(), "other").unwrap());
    let server = ours.issue(folder.path(), "server", &["localhost"]).unwrap();
    let known = ours.issue(folder.path(), "known", &[]).unwrap();
    let stranger = theirs.issue(folder.path(), "stranger", &[]).unwrap();
    let expired = ours.issue_until(folder.path(), "expired", &[], 2020).unwrap();
    let files = Files { ca: Some(ca.clone()), cert: Some(server.cert), key: Some(server.key) };
    let address = echo(Acceptor::new("both", files).unwrap()).await;
    let to = |files: Files, host: &'static str| async move {
        open(&Client::new("both.client", files).unwrap(), address, host).await.map(drop)
    };

    to(client_files(&ca, Some(&known)), "localhost").await.unwrap();
    for (what, files, host) in [
        ("no client certificate", client_files(&ca, None), "localhost"),
        ("of another authority", client_files(&ca, Some(&stranger)), "localhost"),
        ("an expired one", client_files(&ca, Some(&expired)), "localhost"),
        ("a server of another authority", client_files(&other_ca, Some(&known)), "localhost"),
        ("another host name", client_files(&ca, Some(&known)), "elsewhere.example"),
    ] {
        assert!(to(files, host).await.is_err(), "{what}");
    }
}

/// A hello that knows nothing newer than TLS 1.1.
fn hello_of_tls_1_1() -> Vec<u8> {
    let mut body = vec![3, 2];
    body.extend([7; 32]);
    // No session; one cipher suite of that time; no compression; signatures by ECDSA on P-256 with SHA-256.
    body.extend([0, 0, 2, 0, 0x2f, 1, 0]);
    body.extend([0, 8, 0, 13, 0, 4, 0, 2, 4, 3]);
    let length = u8::try_from(body.len()).unwrap();
    let mut record = vec![22, 3, 1, 0, length + 4, 1, 0, 0, length];
    record.extend(body);
    record
}

#[tokio::test]
async fn tls_1_1_and_no_tls_are_refused_by_a_listener() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new("old").unwrap();
    let server = authority.issue(folder.path(), "server", &["localhost"]).unwrap();
    let files = Files { ca: None, cert: Some(server.cert), key: Some(server.key) };
    let address = echo(Acceptor::new("old", files).unwrap()).await;
    for (hello, alert) in [
        // Fatal, protocol_version.
        (hello_of_tls_1_1(), Some([2, 70])),
        (b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n".to_vec(), None),
    ] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(&hello).await.unwrap();
        let mut answer = Vec::new();
        // The listener may cut the line after its alert.
        let _ = stream.read_to_end(&mut answer).await;
        assert_eq!(answer.first(), Some(&21), "an alert, and nothing else: {answer:?}");
        if let Some(alert) = alert {
            assert_eq!(answer[5..7], alert);
        }
    }
}

#[tokio::test]
async fn tls_1_1_is_refused_by_who_connects() {
    let folder = tempfile::tempdir().unwrap();
    let ca = Authority::new("old").unwrap().write(folder.path(), "ca").unwrap();
    let client = Client::new("old.client", client_files(&ca, None)).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut hello = [0; 5];
        stream.read_exact(&mut hello).await.unwrap();
        let mut rest = vec![0; usize::from(u16::from_be_bytes([hello[3], hello[4]]))];
        stream.read_exact(&mut rest).await.unwrap();
        // "TLS 1.1 then": the version, 32 bytes, no session, a cipher suite of that time, no compression.
        let mut answer = vec![22, 3, 2, 0, 42, 2, 0, 0, 38, 3, 2];
        answer.extend([7; 32]);
        answer.extend([0, 0, 0x2f, 0]);
        stream.write_all(&answer).await.unwrap();
        let mut alert = Vec::new();
        let _ = stream.read_to_end(&mut alert).await;
        alert
    });
    let error = open(&client, address, "localhost").await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidData, "{error}");
    assert_eq!(server.await.unwrap()[5..7], [2, 70], "protocol_version");
}

/// Files as a certificate manager mounts them: `..data` leads to the folder of the moment, and is replaced in one step.
struct Mounted(tempfile::TempDir, u32);

impl Mounted {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap(), 0)
    }

    /// The next folder, filled, in place of the one before.
    fn swap(&mut self, fill: impl FnOnce(&Path)) {
        self.1 += 1;
        let (root, name) = (self.0.path(), format!("..{}", self.1));
        std::fs::create_dir(root.join(&name)).unwrap();
        fill(&root.join(&name));
        symlink(&name, root.join("..next")).unwrap();
        std::fs::rename(root.join("..next"), root.join("..data")).unwrap();
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join("..data").join(name)
    }
}

fn standing(section: &str) -> tls::Standing {
    tls::look().into_iter().find(|one| one.section == section).expect("a standing")
}

#[tokio::test]
async fn certificates_rotate_under_open_connections_and_a_broken_one_changes_nothing() {
    let (first, second) = (Authority::new("first").unwrap(), Authority::new("second").unwrap());
    let fill = |authority: &Authority, year: i32| {
        let pem = authority.pem().to_owned();
        let folder = tempfile::tempdir().unwrap();
        authority.issue_until(folder.path(), "tls", &["localhost"], year).unwrap();
        move |to: &Path| {
            for name in ["tls.pem", "tls.key"] {
                std::fs::copy(folder.path().join(name), to.join(name)).unwrap();
            }
            std::fs::write(to.join("ca.pem"), pem).unwrap();
        }
    };
    let (mut at_server, mut at_client) = (Mounted::new(), Mounted::new());
    at_server.swap(fill(&first, 2090));
    at_client.swap(fill(&first, 2091));
    let of = |mounted: &Mounted| Files {
        ca: Some(mounted.file("ca.pem")),
        cert: Some(mounted.file("tls.pem")),
        key: Some(mounted.file("tls.key")),
    };
    let address = echo(Acceptor::new("turn", of(&at_server)).unwrap()).await;
    let client = Client::new("turn.client", of(&at_client)).unwrap();
    let mut before = open(&client, address, "localhost").await.unwrap();
    let until = |section: &str, key: &str| {
        standing(section).not_after.into_iter().find(|(name, _)| *name == key).unwrap().1
    };
    let new_year = seconds_at;
    assert_eq!(until("turn", "cert_file"), new_year(2090));
    assert_eq!(until("turn.client", "client_cert_file"), new_year(2091));

    // Rubbish, and a key that is another's: both stay with what they have, and say so.
    at_server.swap(|to| {
        for name in ["tls.pem", "tls.key", "ca.pem"] {
            std::fs::write(to.join(name), "rubbish").unwrap();
        }
    });
    at_client.swap(|to| {
        fill(&second, 2092)(to);
        let other = second.issue(to, "other", &[]).unwrap();
        std::fs::rename(other.key, to.join("tls.key")).unwrap();
    });
    let (refused, of_client) = (standing("turn"), standing("turn.client"));
    assert_eq!(refused.refused.unwrap().key, "cert_file");
    assert_eq!(of_client.refused.unwrap().key, "client_key_file");
    assert_eq!(until("turn", "cert_file"), new_year(2090), "what is in use is told");
    open(&client, address, "localhost").await.unwrap();

    // The server turns to another authority: the client that knows it not is refused and refuses, until it turns too.
    at_server.swap(fill(&second, 2093));
    assert_eq!(standing("turn").refused, None);
    assert_eq!(until("turn", "cert_file"), new_year(2093));
    assert!(open(&client, address, "localhost").await.is_err());
    at_client.swap(fill(&second, 2094));
    assert_eq!(standing("turn.client").refused, None);
    open(&client, address, "localhost").await.unwrap();
    said(&mut before).await.expect("a connection that was open goes on");

    // What nobody uses any more is no longer told.
    drop(client);
    drop(before);
    let gone = || tls::look().iter().all(|one| one.section != "turn.client");
    assert!(gone());
}

/// Seconds since 1970 when a year begins.
fn seconds_at(year: i16) -> i64 {
    let days: i64 = (1970..i64::from(year))
        .map(|year| {
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            if leap { 366 } else { 365 }
        })
        .sum();
    days * 86_400
}

#[test]
fn a_file_that_cannot_be_used_is_named_and_not_quoted() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new("ours").unwrap();
    let (one, two) = (
        authority.issue(folder.path(), "one", &[]).unwrap(),
        authority.issue(folder.path(), "two", &[]).unwrap(),
    );
    let bad = folder.path().join("bad.pem");
    std::fs::write(&bad, "hunter2").unwrap();
    let files = |cert: Option<&PathBuf>, key: Option<&PathBuf>| Files {
        ca: None,
        cert: cert.cloned(),
        key: key.cloned(),
    };
    for (files, key) in [
        (files(None, None), "cert_file"),
        (files(Some(&one.cert), None), "key_file"),
        (files(None, Some(&one.key)), "cert_file"),
        (files(Some(&one.cert), Some(&two.key)), "key_file"),
        (files(Some(&bad), Some(&one.key)), "cert_file"),
        (files(Some(&one.cert), Some(&bad)), "key_file"),
        (files(Some(&folder.path().join("none")), Some(&one.key)), "cert_file"),
        (Files { ca: Some(bad.clone()), ..files(Some(&one.cert), Some(&one.key)) }, "client_ca_file"),
    ] {
        let error = Acceptor::new("bad", files).unwrap_err();
        assert_eq!(error.key, key, "{error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
    for (files, key) in [
        (client_files(&bad, None), "ca_file"),
        (client_files(&one.cert, Some(&Identity { cert: two.cert, key: one.key })), "client_key_file"),
    ] {
        assert_eq!(Client::new("bad", files.clone()).unwrap_err().key, key);
        assert_eq!(PemFiles::new("bad", files).unwrap_err().key, key);
    }
}
