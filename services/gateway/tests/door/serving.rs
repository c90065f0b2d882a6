//! The server itself: limits of the head, and an end that loses no request in hand.

use std::{sync::atomic::Ordering, time::Duration};

use axum::http::StatusCode;
use gateway::{Entrance, serve};
use reqwest::Client;
use testkit::certificates::{Authority, Identity};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use crate::support::{API_KEY, Door, get, submission};

struct Server {
    address: std::net::SocketAddr,
    stop: CancellationToken,
    done: JoinHandle<()>,
}

async fn start(door: &Door, head_timeout: Duration) -> Server {
    start_with(door, head_timeout, None).await
}

async fn start_with(door: &Door, head_timeout: Duration, acceptor: Option<tls::Acceptor>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let entrance = Entrance { listener, acceptor, head_timeout };
    let serving = serve(entrance, door.router.clone(), stop.clone(), CancellationToken::new());
    Server { address, stop, done: tokio::spawn(serving) }
}

async fn exchange(stream: &mut TcpStream, request: &str) -> String {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer).await;
    answer
}

fn post(id: &str, more: &str) -> String {
    let body = submission(id).to_string();
    format!(
        "POST /v1/intake/clinic-01 HTTP/1.1\r\nhost: x\r\nx-api-key: {API_KEY}\r\ncontent-type: application/json\r\n\
         connection: close\r\n{more}content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test]
async fn a_request_in_hand_is_finished_and_no_other_is_taken() {
    let door = Door::open();
    door.ingest.pace.forget_permits(1000);
    let server = start(&door, Duration::from_secs(30)).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let answer = tokio::spawn(async move { exchange(&mut stream, &post("s-1", "")).await });
    while door.app.places.available_permits() == 16 {
        tokio::task::yield_now().await;
    }
    server.stop.cancel();
    while TcpStream::connect(server.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!server.done.is_finished());
    door.ingest.pace.add_permits(1);
    assert!(answer.await.unwrap().starts_with("HTTP/1.1 202"));
    server.done.await.unwrap();
    door.only_message();
}

#[tokio::test]
async fn heads_are_bounded_in_lines_size_and_time() {
    let door = Door::open();
    let server = start(&door, Duration::from_millis(200)).await;
    let lines = "x-a: 1\r\n".repeat(100);
    let long = format!("x-a: {}\r\n", "a".repeat(64 * 1024));
    for more in [&lines, &long] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let answer = exchange(&mut stream, &post("s-1", more)).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    }
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let answer = exchange(&mut stream, "POST /v1/intake/clinic-01 HTTP/1.1\r\nhost:").await;
    assert!(!answer.contains("202"), "a head that never ends is cut: {answer}");
    assert!(door.ingest.got.lock().unwrap().is_empty());
    server.stop.cancel();
    server.done.await.unwrap();
}

#[tokio::test]
async fn readiness_is_the_broker_and_not_stopping() {
    let door = Door::open();
    assert_eq!(door.send(get("/health/live")).await.status, StatusCode::OK);
    assert_eq!(door.send(get("/health/ready")).await.status, StatusCode::OK);
    door.ingest.down.store(true, Ordering::Relaxed);
    assert_eq!(door.send(get("/health/ready")).await.status, StatusCode::SERVICE_UNAVAILABLE);
    door.ingest.down.store(false, Ordering::Relaxed);
    door.app.stopping.store(true, Ordering::Relaxed);
    assert_eq!(door.send(get("/health/ready")).await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(door.send(get("/health/live")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_the_promise_is_reckoned_from_is_told_before_the_first_request() {
    let door = Door::open();
    let text = door.app.metrics.render();
    for route in ["/v1/intake/{clinic}", "/v1/intake/{clinic}/{form}"] {
        for (status, problem) in
            [("202", "none"), ("503", "broker_unavailable"), ("503", "busy"), ("500", "cannot_seal")]
        {
            let labels = format!("problem=\"{problem}\",route=\"{route}\",status=\"{status}\"");
            let told =
                |line: &&str| line.starts_with("frontdesk_http_requests_total{") && line.contains(&labels);
            assert_eq!(
                text.lines().find(told).map(|line| line.ends_with(" 0")),
                Some(true),
                "{labels} in {text}"
            );
        }
    }
}

fn client(ca: &std::path::Path, own: Option<&Identity>) -> Client {
    let files = tls::Files {
        ca: Some(ca.to_owned()),
        cert: own.map(|one| one.cert.clone()),
        key: own.map(|one| one.key.clone()),
    };
    let tls = tls::Client::new("sender", files).unwrap().config().unwrap();
    Client::builder().no_proxy().tls_backend_preconfigured(tls).build().unwrap()
}

#[tokio::test]
async fn over_tls_only_known_clients_are_let_in_and_a_request_in_hand_is_finished() {
    let folder = tempfile::tempdir().unwrap();
    let (ours, theirs) = (Authority::new("ours").unwrap(), Authority::new("theirs").unwrap());
    let ca = ours.write(folder.path(), "ca").unwrap();
    let shown = ours.issue(folder.path(), "gateway", &["localhost"]).unwrap();
    let known = ours.issue(folder.path(), "make", &[]).unwrap();
    let stranger = theirs.issue(folder.path(), "stranger", &[]).unwrap();
    let files =
        tls::Files { ca: Some(ca.clone()), cert: Some(shown.cert.clone()), key: Some(shown.key.clone()) };
    let acceptor = tls::Acceptor::new("gateway", files).unwrap();
    let door = Door::open();
    let server = start_with(&door, Duration::from_secs(30), Some(acceptor)).await;
    let port = server.address.port();
    let live = |client: &Client, url: String| client.get(format!("{url}:{port}/health/live")).send();

    let good = client(&ca, Some(&known));
    assert!(live(&good, "https://localhost".to_owned()).await.unwrap().status().is_success());
    for (what, client, url) in [
        ("no certificate", client(&ca, None), "https://localhost"),
        ("a stranger's", client(&ca, Some(&stranger)), "https://localhost"),
        ("another host name", client(&ca, Some(&known)), "https://127.0.0.1"),
        ("no TLS", Client::builder().no_proxy().build().unwrap(), "http://localhost"),
    ] {
        assert!(live(&client, url.to_owned()).await.is_err(), "{what}");
    }

    // The certificate turns while a request is in hand on an open connection: that one is answered, and the next handshake is new.
    door.ingest.pace.forget_permits(1000);
    let request = good
        .post(format!("https://localhost:{port}/v1/intake/clinic-01"))
        .header("x-api-key", API_KEY)
        .header("content-type", "application/json")
        .body(submission("s-1").to_string());
    let answer = tokio::spawn(request.send());
    while door.app.places.available_permits() == 16 {
        tokio::task::yield_now().await;
    }
    let new_ca = theirs.write(folder.path(), "new-ca").unwrap();
    let turned = theirs.issue(folder.path(), "turned", &["localhost"]).unwrap();
    std::fs::rename(turned.cert, shown.cert).unwrap();
    std::fs::rename(turned.key, shown.key).unwrap();
    tls::look();
    let after = client(&new_ca, Some(&known));
    assert!(live(&after, "https://localhost".to_owned()).await.unwrap().status().is_success());
    assert!(live(&client(&ca, Some(&known)), "https://localhost".to_owned()).await.is_err());
    server.stop.cancel();
    door.ingest.pace.add_permits(1);
    assert_eq!(answer.await.unwrap().unwrap().status(), StatusCode::ACCEPTED);
    drop((good, after));
    server.done.await.unwrap();
    door.only_message();
}
