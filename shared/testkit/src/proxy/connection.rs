//! One connection through the proxy.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    sync::Notify,
};
use tokio_util::sync::CancellationToken;

use super::{
    Direction, Shared,
    counts::{Counters, Open},
    needle::Seen,
    reset,
    rules::Verdict,
};

/// The longest chunk (bytes).
const CHUNK: usize = 64 * 1024;
/// How long the server has for the rest of what it does, once it has begun to answer what will be lost.
const AFTER_ANSWER: Duration = Duration::from_millis(100);
/// How long the server has at all before a connection whose answer is to be lost is cut.
const NO_ANSWER: Duration = Duration::from_secs(2);

/// The connection is to be cut, or one side has cut it.
struct Cut;

impl From<io::Error> for Cut {
    fn from(_: io::Error) -> Self {
        Self
    }
}

/// What the two directions of a connection know of each other.
#[derive(Default)]
struct Line {
    /// Nothing reaches the client any more.
    mute: AtomicBool,
    /// The server has said something since.
    answered: Notify,
}

/// Passes a connection's bytes on until both sides have ended it, or it is cut.
pub(super) async fn carry(shared: Arc<Shared>, mut client: TcpStream, cut: CancellationToken) {
    let counters = &shared.counters;
    let _open = Open::begin(counters);
    let connected = tokio::select! {
        () = cut.cancelled() => {
            Counters::add(&counters.cut, 1);
            return reset(&client);
        }
        connected = TcpStream::connect(shared.upstream) => connected,
    };
    let Ok(mut server) = connected else {
        Counters::add(&counters.unreachable, 1);
        return reset(&client);
    };
    for socket in [&client, &server] {
        // Only latency is lost if the option cannot be set.
        let _ = socket.set_nodelay(true);
    }
    let line = Line::default();
    let ended = {
        let (client_says, client_hears) = client.split();
        let (server_says, server_hears) = server.split();
        tokio::select! {
            () = cut.cancelled() => {
                Counters::add(&counters.cut, 1);
                Err(Cut)
            }
            ended = async { tokio::try_join!(
                pass((&shared, &line, Direction::ToServer), client_says, server_hears),
                pass((&shared, &line, Direction::ToClient), server_says, client_hears),
            ) } => ended.map(|_| ()),
        }
    };
    if ended.is_err() {
        reset(&client);
        reset(&server);
    }
}

/// Passes on what comes in one direction, until its end or a fault.
async fn pass(
    (shared, line, direction): (&Shared, &Line, Direction),
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
) -> Result<(), Cut> {
    let (mut buffer, mut seen) = (vec![0; CHUNK], Seen::default());
    let counters = &shared.counters;
    let mute = || direction == Direction::ToClient && line.mute.load(Relaxed);
    loop {
        let read = from.read(&mut buffer).await?;
        if mute() {
            line.answered.notify_one();
            swallow(&mut from, &mut buffer).await;
        }
        let Some(chunk) = buffer.get(..read).filter(|chunk| !chunk.is_empty()) else {
            return Ok(to.shutdown().await?);
        };
        let verdict = shared.rules().judge(direction, chunk, &mut seen);
        match verdict {
            Verdict::Pass(delay) => {
                if let Some(delay) = delay {
                    Counters::add(&counters.delayed, 1);
                    tokio::time::sleep(delay).await;
                }
                if !mute() {
                    to.write_all(chunk).await?;
                    Counters::add(counters.bytes(direction), read as u64);
                }
            }
            Verdict::Swallow(until, healed) => {
                Counters::add(&counters.blackholed, 1);
                tokio::select! {
                    () = healed.cancelled() => {}
                    () = tokio::time::sleep_until(until) => {}
                    () = swallow(&mut from, &mut buffer) => {}
                }
                return Err(Cut);
            }
            Verdict::LoseAnswer => {
                Counters::add(&counters.lost_to_server, 1);
                line.mute.store(true, Relaxed);
                to.write_all(chunk).await?;
                Counters::add(counters.bytes(direction), read as u64);
                // The needle may stand before the request's end: the rest of it must arrive too.
                tokio::select! {
                    () = answer(line) => {}
                    failed = forward(counters, &mut from, &mut to, &mut buffer) => failed?,
                }
                return Err(Cut);
            }
            Verdict::Lose => {
                Counters::add(&counters.lost_to_client, 1);
                return Err(Cut);
            }
        }
    }
}

/// Waits until the server has answered, and could do what follows its answer.
async fn answer(line: &Line) {
    if tokio::time::timeout(NO_ANSWER, line.answered.notified()).await.is_ok() {
        tokio::time::sleep(AFTER_ANSWER).await;
    }
}

/// Passes everything on; after the sender's end it waits to be dropped.
async fn forward(
    counters: &Counters,
    from: &mut ReadHalf<'_>,
    to: &mut WriteHalf<'_>,
    buffer: &mut [u8],
) -> Result<(), Cut> {
    loop {
        let read = from.read(buffer).await?;
        let Some(chunk) = buffer.get(..read).filter(|chunk| !chunk.is_empty()) else {
            to.shutdown().await?;
            return std::future::pending().await;
        };
        to.write_all(chunk).await?;
        Counters::add(&counters.bytes_to_server, read as u64);
    }
}

/// Reads and drops everything; after the sender's end it waits to be dropped.
async fn swallow(from: &mut ReadHalf<'_>, buffer: &mut [u8]) {
    while from.read(buffer).await.is_ok_and(|read| read > 0) {}
    std::future::pending().await
}
