use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::Instant,
};

use super::{Direction, Proxy};
use crate::wait;

const SOON: Duration = Duration::from_secs(20);

/// A server that answers each chunk with `ok:` and the chunk, and tells the test what it has received.
async fn server() -> (SocketAddr, mpsc::UnboundedReceiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, told) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let tell = tell.clone();
            tokio::spawn(async move {
                let mut buffer = vec![0; 1024];
                while let Ok(read @ 1..) = socket.read(&mut buffer).await {
                    tell.send(buffer[..read].to_vec()).ok();
                    socket.write_all(&[b"ok:", &buffer[..read]].concat()).await.ok();
                }
            });
        }
    });
    (address, told)
}

async fn ask(socket: &mut TcpStream, what: &[u8]) -> std::io::Result<Vec<u8>> {
    socket.write_all(what).await?;
    let mut answer = vec![0; what.len() + 3];
    tokio::time::timeout(SOON, socket.read_exact(&mut answer)).await.expect("an answer or a cut")?;
    Ok(answer)
}

/// A proxy before a server, and a connection through it that works.
async fn connected() -> (Proxy, TcpStream, mpsc::UnboundedReceiver<Vec<u8>>) {
    let (address, mut told) = server().await;
    let proxy = Proxy::start(address).unwrap();
    let mut socket = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(ask(&mut socket, b"hello").await.unwrap(), b"ok:hello");
    assert_eq!(told.recv().await.unwrap(), b"hello");
    (proxy, socket, told)
}

async fn is_reset(socket: &mut TcpStream) -> bool {
    let read = tokio::time::timeout(SOON, socket.read(&mut [0; 64])).await.expect("an end");
    read.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset)
}

/// A new connection through the proxy works.
async fn works(proxy: &Proxy) -> bool {
    let mut socket = TcpStream::connect(proxy.address()).await.unwrap();
    ask(&mut socket, b"again").await.is_ok_and(|answer| answer == b"ok:again")
}

#[tokio::test]
async fn bytes_pass_and_ends_pass() {
    let (proxy, mut socket, _told) = connected().await;
    let counts = proxy.counts();
    assert_eq!((counts.bytes_to_server, counts.bytes_to_client), (5, 8));
    assert_eq!((counts.connections, counts.open), (1, 1));
    socket.shutdown().await.unwrap();
    assert_eq!(socket.read(&mut [0; 8]).await.unwrap(), 0, "an orderly end");
    wait::until(SOON, || async { proxy.counts().open == 0 }).await.unwrap();
}

#[tokio::test]
async fn who_sends_faster_than_the_other_reads_must_wait() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = Proxy::start(listener.local_addr().unwrap()).unwrap();
    let mut socket = TcpStream::connect(proxy.address()).await.unwrap();
    let (mut server, _) = listener.accept().await.unwrap();
    const ALL: usize = 64 << 20;
    let sender = tokio::spawn(async move {
        let chunk = vec![7; 1 << 20];
        for _ in 0..ALL / chunk.len() {
            socket.write_all(&chunk).await.unwrap();
        }
    });
    // Nobody reads: once the buffers are full nothing moves.
    let mut last = 0;
    wait::until(SOON, || {
        let now = proxy.counts().bytes_to_server;
        let stands = now > 0 && now == std::mem::replace(&mut last, now);
        async move { stands }
    })
    .await
    .unwrap();
    assert!(!sender.is_finished() && last < ALL as u64);
    let mut all = Vec::new();
    server.read_to_end(&mut all).await.unwrap();
    assert_eq!(all.len(), ALL);
    sender.await.unwrap();
}

#[tokio::test]
async fn a_cut_resets_what_is_open_and_nothing_new() {
    let (proxy, mut socket, _told) = connected().await;
    proxy.cut();
    assert!(is_reset(&mut socket).await);
    assert!(works(&proxy).await);
    assert_eq!(proxy.counts().cut, 1);
}

#[tokio::test]
async fn refused_connections_are_reset_and_open_ones_stay() {
    let (proxy, mut socket, _told) = connected().await;
    proxy.refuse(true);
    let mut refused = TcpStream::connect(proxy.address()).await.unwrap();
    assert!(is_reset(&mut refused).await);
    assert_eq!(ask(&mut socket, b"still").await.unwrap(), b"ok:still");
    proxy.refuse(false);
    assert!(works(&proxy).await);
    assert_eq!(proxy.counts().refused, 1);
}

#[tokio::test]
async fn a_server_that_is_gone_is_a_reset() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = Proxy::start(listener.local_addr().unwrap()).unwrap();
    drop(listener);
    let mut socket = TcpStream::connect(proxy.address()).await.unwrap();
    assert!(is_reset(&mut socket).await);
    assert_eq!(proxy.counts().unreachable, 1);
}

#[tokio::test]
async fn a_black_hole_swallows_one_way_and_then_cuts() {
    for direction in [Direction::ToServer, Direction::ToClient] {
        let (proxy, mut socket, mut told) = connected().await;
        proxy.blackhole(direction, Duration::from_millis(300));
        assert!(ask(&mut socket, b"lost").await.is_err(), "cut without an answer");
        assert_eq!(told.try_recv().is_ok(), direction == Direction::ToClient, "{direction:?}");
        assert!(works(&proxy).await);
        assert_eq!(proxy.counts().blackholed, 1);
    }
}

#[tokio::test]
async fn a_black_hole_may_end_for_all_but_who_fell_silent_in_it() {
    let (proxy, mut silent, mut told) = connected().await;
    proxy.blackhole(Direction::ToServer, Duration::from_secs(3600));
    silent.write_all(b"lost").await.unwrap();
    wait::until(SOON, || async { proxy.counts().blackholed == 1 }).await.unwrap();
    proxy.blackhole(Direction::ToServer, Duration::ZERO);
    assert!(works(&proxy).await);
    silent.write_all(b"lost too").await.unwrap();
    assert!(works(&proxy).await);
    for _ in 0..2 {
        assert_eq!(told.recv().await.unwrap(), b"again", "of the others");
    }
    assert!(silent.try_read(&mut [0; 8]).is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock));
    proxy.heal();
    assert!(is_reset(&mut silent).await);
}

#[tokio::test]
async fn stands_before_the_server_of_a_url() {
    let (address, _told) = server().await;
    let (proxy, url) = Proxy::before(&format!("amqp://a:b@{address}/%2f"), 1).unwrap();
    assert_eq!(url, format!("amqp://a:b@{}/%2f", proxy.address()));
    assert!(works(&proxy).await);
    let (proxy, _) = Proxy::before("amqp://127.0.0.1/x", address.port()).unwrap();
    assert!(works(&proxy).await);
    let error = Proxy::before("postgres:secret", 1).unwrap_err();
    assert_eq!(error.to_string(), "not the URL of a server");
}

#[tokio::test]
async fn healing_ends_a_long_black_hole_and_leaves_what_lost_nothing() {
    let (proxy, mut quiet, mut told) = connected().await;
    let mut socket = TcpStream::connect(proxy.address()).await.unwrap();
    proxy.blackhole(Direction::ToServer, Duration::from_secs(3600));
    socket.write_all(b"lost").await.unwrap();
    wait::until(SOON, || async { proxy.counts().blackholed == 1 }).await.unwrap();
    proxy.heal();
    assert!(is_reset(&mut socket).await);
    assert_eq!(ask(&mut quiet, b"kept").await.unwrap(), b"ok:kept");
    assert_eq!(told.recv().await.unwrap(), b"kept");
    proxy.cut();
    assert!(is_reset(&mut quiet).await, "healing does not lose the connections");
}

#[tokio::test]
async fn delayed_chunks_wait_and_keep_their_order() {
    let (proxy, mut socket, _told) = connected().await;
    let each = Duration::from_millis(50);
    proxy.delay(each, Duration::from_secs(3600));
    let begin = Instant::now();
    for text in [b"one", b"two"] {
        assert_eq!(ask(&mut socket, text).await.unwrap(), [b"ok:", text.as_slice()].concat());
    }
    assert!(begin.elapsed() >= 4 * each, "two there, two back");
    assert_eq!(proxy.counts().delayed, 4);
    proxy.heal();
    ask(&mut socket, b"three").await.unwrap();
    assert_eq!(proxy.counts().delayed, 4);
}

#[tokio::test]
async fn a_lost_answer_was_asked_for_and_is_not_told() {
    let (proxy, mut socket, mut told) = connected().await;
    proxy.lose(Direction::ToServer, b"COMMIT\0", 1);
    // The needle comes in two chunks, and another request before it is answered.
    assert_eq!(ask(&mut socket, b"BEGIN\0COMM").await.unwrap(), b"ok:BEGIN\0COMM");
    assert!(ask(&mut socket, b"IT\0").await.is_err());
    assert_eq!(told.recv().await.unwrap(), b"BEGIN\0COMM");
    assert_eq!(told.recv().await.unwrap(), b"IT\0", "the request has arrived");
    let mut other = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(ask(&mut other, b"COMMIT\0").await.unwrap(), b"ok:COMMIT\0", "only once");
    assert_eq!(proxy.counts().lost_to_server, 1);
}

#[tokio::test]
async fn a_request_whose_answer_is_lost_is_passed_on_to_its_end() {
    let (proxy, mut socket, mut told) = connected().await;
    // This server answers only the whole.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let slow = Proxy::start(listener.local_addr().unwrap()).unwrap();
    let mut client = TcpStream::connect(slow.address()).await.unwrap();
    let (mut server, _) = listener.accept().await.unwrap();
    slow.lose(Direction::ToServer, b"POST", 1);
    client.write_all(b"POST head,").await.unwrap();
    wait::until(SOON, || async { slow.counts().lost_to_server == 1 }).await.unwrap();
    client.write_all(b" body").await.unwrap();
    let mut request = [0; 15];
    server.read_exact(&mut request).await.unwrap();
    assert_eq!(&request, b"POST head, body");
    server.write_all(b"done").await.unwrap();
    assert!(is_reset(&mut client).await);
    assert_eq!(slow.counts().bytes_to_client, 0);
    // The other proxy knows nothing of it.
    ask(&mut socket, b"POST").await.unwrap();
    assert_eq!(told.recv().await.unwrap(), b"POST");
    assert_eq!(proxy.counts().lost_to_server, 0);
}

#[tokio::test]
async fn a_lost_confirm_is_not_delivered_as_often_as_asked() {
    let (proxy, mut socket, mut told) = connected().await;
    proxy.lose(Direction::ToClient, b"ok:two", 2);
    assert_eq!(ask(&mut socket, b"one").await.unwrap(), b"ok:one");
    for _ in 0..2 {
        let mut socket = TcpStream::connect(proxy.address()).await.unwrap();
        assert!(ask(&mut socket, b"two").await.is_err());
    }
    let mut socket = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(ask(&mut socket, b"two").await.unwrap(), b"ok:two");
    assert_eq!(proxy.counts().lost_to_client, 2);
    for expected in [b"one", b"two", b"two", b"two"] {
        assert_eq!(told.recv().await.unwrap(), expected, "each request has arrived");
    }
}

#[tokio::test]
async fn a_dropped_proxy_cuts_and_closes() {
    let (proxy, mut socket, _told) = connected().await;
    let address = proxy.address();
    let other = proxy.clone();
    drop(proxy);
    ask(&mut socket, b"one handle is left").await.unwrap();
    drop(other);
    assert!(is_reset(&mut socket).await);
    wait::until(SOON, || async { TcpStream::connect(address).await.is_err() }).await.unwrap();
}
