//! A TCP proxy on loopback that breaks connections on command: it cuts, refuses, swallows, delays, and loses exactly the
//! bytes that say that something was done.
//!
//! A fault strikes from the moment it is asked for. Faults that last end by themselves, or all at once by [`Proxy::heal`].
//! Without a fault bytes pass unseen, in chunks of 64 KiB at most, and who sends faster than the other side reads must wait.

mod connection;
mod counts;
mod needle;
mod rules;
#[cfg(test)]
mod tests;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, ToSocketAddrs as _},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpStream},
    time::Instant,
};
use tokio_util::sync::{CancellationToken, DropGuard};

use counts::Counters;
pub use counts::Counts;
use rules::Rules;

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// From who connected to what is behind the proxy.
    ToServer,
    /// Back.
    ToClient,
}

/// A proxy that runs. Clones are handles on the same one; when the last is dropped it closes its door and cuts what is open.
#[derive(Debug, Clone)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    _stop: Arc<DropGuard>,
}

/// What the handles and the connections share.
#[derive(Debug)]
struct Shared {
    upstream: SocketAddr,
    rules: Mutex<Rules>,
    counters: Counters,
}

impl Proxy {
    /// Begins to pass connections on to `upstream`, from a port of its own. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// If no port can be had.
    pub fn start(upstream: SocketAddr) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        let address = listener.local_addr()?;
        let rules = Mutex::new(Rules::default());
        let shared = Arc::new(Shared { upstream, rules, counters: Counters::default() });
        let stop = CancellationToken::new();
        tokio::spawn(accept(Arc::clone(&shared), listener, stop.clone()));
        Ok(Self { address, shared, _stop: Arc::new(stop.drop_guard()) })
    }

    /// A proxy before the server that a URL names, and the URL that leads over it. The port is the server's where the URL names none.
    ///
    /// # Errors
    /// If the URL names no server that can be found, or no port can be had.
    pub fn before(url: &str, port: u16) -> io::Result<(Self, String)> {
        // The error's own text could quote the URL.
        let wrong = || io::Error::new(io::ErrorKind::InvalidInput, "not the URL of a server");
        let mut url = reqwest::Url::parse(url).map_err(|_| wrong())?;
        let server = (url.host_str().ok_or_else(wrong)?, url.port().unwrap_or(port));
        let proxy = Self::start(server.to_socket_addrs()?.next().ok_or_else(wrong)?)?;
        url.set_host(Some(&proxy.address.ip().to_string())).map_err(|_| wrong())?;
        url.set_port(Some(proxy.address.port())).map_err(|()| wrong())?;
        Ok((proxy, url.into()))
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Resets all connections that are open now. New ones may come.
    pub fn cut(&self) {
        self.shared.rules().cut();
    }

    /// Resets each new connection at once, from now on or no longer.
    pub fn refuse(&self, on: bool) {
        self.shared.rules().refuse = on;
    }

    /// Swallows what goes in that direction, for so long. A connection that lost bytes is silent until that time is over, and is
    /// cut then, also where the direction has been given another time since: with none, only what is silent already stays so.
    pub fn blackhole(&self, direction: Direction, lasting: Duration) {
        self.shared.rules().blackhole(direction, Instant::now() + lasting);
    }

    /// Lets each chunk wait so long, in both directions, for the next `lasting`. The order is kept.
    pub fn delay(&self, each: Duration, lasting: Duration) {
        self.shared.rules().delay = Some((each, Instant::now() + lasting));
    }

    /// Strikes the next `count` times that the bytes in that direction contain the needle, also across chunks.
    ///
    /// - [`Direction::ToServer`]: the request is passed on, and nothing that the server says from then on reaches the client.
    ///   Shortly after the server's answer, at the latest after two seconds, both sides are cut: it was done, and nobody was told.
    /// - [`Direction::ToClient`]: the chunk with the needle's end is not delivered, and both sides are cut.
    ///
    /// An empty needle is never found.
    pub fn lose(&self, direction: Direction, needle: &'static [u8], count: u32) {
        self.shared.rules().lose(direction, needle, count);
    }

    /// Ends every fault. What has lost bytes is cut now; needles that were not met are forgotten.
    pub fn heal(&self) {
        self.shared.rules().heal();
    }

    /// What came by, and how often which fault struck.
    pub fn counts(&self) -> Counts {
        self.shared.counters.read()
    }
}

impl Shared {
    /// The rules. Nobody holds them while waiting.
    fn rules(&self) -> MutexGuard<'_, Rules> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Accepts until the last handle is dropped.
async fn accept(shared: Arc<Shared>, listener: TcpListener, stop: CancellationToken) {
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let Ok((client, _)) = accepted else {
            // Out of file handles, most likely: a pause lets others close.
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        Counters::add(&shared.counters.connections, 1);
        let cut = {
            let rules = shared.rules();
            (!rules.refuse).then(|| rules.open.clone())
        };
        match cut {
            Some(cut) => drop(tokio::spawn(connection::carry(Arc::clone(&shared), client, cut))),
            None => {
                Counters::add(&shared.counters.refused, 1);
                reset(&client);
            }
        }
    }
    shared.rules().cut();
}

/// Makes the close of the socket, which must follow, a reset instead of an orderly end.
fn reset(socket: &TcpStream) {
    // It can fail only if the connection is gone already.
    let _ = socket.set_zero_linger();
}
