//! The process's one connection, and its supervisor.
//!
//! lapin's own recovery stays off: it was seen not to come back after broker restarts, without an error. Here a lost connection is
//! replaced by a new one with new channels; whatever was unconfirmed is unsent, whatever was unacknowledged comes again.
//! A pool of one makes connections, bounds the time that takes, and throws dead ones away.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use futures_util::StreamExt;
use lapin::{Channel, Event};
use tokio::{sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{
    Address, Pace,
    pool::{self, Pool, Pooled},
};
use crate::{
    ConfigError,
    config::{AmqpSection, Secret},
    telemetry::Metrics,
};

const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// Short, so that work goes on within a second of the broker's return. No stampede: a process has one connection, a refused one costs
/// the broker's machine one packet, and the jitter keeps processes that lost theirs at the same moment from coming back at the same moment.
const LONGEST_PAUSE: Duration = Duration::from_millis(350);
/// An outage is told so often, not at each try.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// There is no connection now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the broker is not connected")]
pub struct LinkDown;

/// A handle on the connection. Cheap to clone.
#[derive(Clone)]
pub struct Link {
    session: watch::Receiver<Option<Session>>,
    ended: CancellationToken,
}

/// One connection, from its making to its loss.
#[derive(Clone)]
pub struct Session {
    connection: Weak<Pooled>,
    lost: CancellationToken,
    blocked: watch::Receiver<bool>,
}

impl Session {
    /// Opens a channel.
    ///
    /// # Errors
    /// [`LinkDown`] if the connection is gone; it is then on its way to be replaced.
    pub(crate) async fn channel(&self) -> Result<Channel, LinkDown> {
        let connection = self.connection.upgrade().ok_or(LinkDown)?;
        tokio::select! {
            channel = connection.create_channel() => channel.map_err(|_| LinkDown),
            () = self.lost.cancelled() => Err(LinkDown),
        }
    }

    /// Whether the connection is not known to be gone.
    fn is_live(&self) -> bool {
        !self.lost.is_cancelled()
    }

    /// Cancelled when the connection is gone.
    pub(crate) const fn lost(&self) -> &CancellationToken {
        &self.lost
    }

    /// Whether the broker holds publishers back, for want of memory or disk.
    pub(crate) fn blocked(&self) -> watch::Receiver<bool> {
        self.blocked.clone()
    }

    /// Gives the connection up: it is not what it seems.
    pub(crate) fn suspect(&self) {
        self.lost.cancel();
    }
}

impl Link {
    /// Starts the supervisor. It connects in the background, again and again, until `stop`.
    ///
    /// # Errors
    /// [`ConfigError`] if the URL cannot be read, or a file of the section cannot be used.
    pub fn start(
        section: &AmqpSection,
        url: &Secret,
        name: &'static str,
        metrics: Arc<Metrics>,
        stop: CancellationToken,
    ) -> Result<Self, ConfigError> {
        let address = Address::parse(url)?;
        let pool = pool::of(&address, section, name)?;
        let (publish, session) = watch::channel(None);
        // A process that never gets a connection is to be seen too.
        metrics.connected.add(0, &[]);
        let ended = CancellationToken::new();
        let supervisor = Supervisor { pool, peer: address.peer(), publish, metrics, stop };
        let guard = ended.clone().drop_guard();
        tokio::spawn(async move {
            supervisor.run().await;
            drop(guard);
        });
        Ok(Self { session, ended })
    }

    /// Whether there is a connection now over which the broker takes messages: not while it blocks publishers.
    pub fn is_up(&self) -> bool {
        self.session.borrow().as_ref().is_some_and(|session| session.is_live() && !*session.blocked.borrow())
    }

    /// The connection, as soon as there is one. Never one that is known to be gone, so that whoever loses it may ask again at once.
    ///
    /// # Errors
    /// [`LinkDown`] once the link was stopped.
    pub async fn connected(&self) -> Result<Session, LinkDown> {
        let mut session = self.session.clone();
        let session =
            session.wait_for(|one| one.as_ref().is_some_and(Session::is_live)).await.map_err(|_| LinkDown)?;
        session.clone().ok_or(LinkDown)
    }

    /// Resolves when the supervisor has closed the connection after `stop`.
    pub async fn closed(&self) {
        self.ended.cancelled().await;
    }
}

struct Supervisor {
    pool: Pool,
    peer: String,
    publish: watch::Sender<Option<Session>>,
    metrics: Arc<Metrics>,
    stop: CancellationToken,
}

impl Supervisor {
    async fn run(self) {
        let mut pace = Pace::new(FIRST_PAUSE, LONGEST_PAUSE);
        let mut told: Option<Instant> = None;
        while !self.stop.is_cancelled() {
            let made = tokio::select! {
                made = self.pool.get() => made,
                () = self.stop.cancelled() => return,
            };
            match made {
                Ok(connection) => {
                    pace.reset();
                    told = None;
                    self.serve(connection).await;
                }
                // Display of lapin's and deadpool's errors has no credentials in it.
                Err(error) if told.is_none_or(|at| at.elapsed() >= TELL_EVERY) => {
                    told = Some(Instant::now());
                    tracing::warn!(server.address = self.peer, %error, "broker.unreachable");
                }
                Err(_) => {}
            }
            tokio::select! {
                () = tokio::time::sleep(pace.step()) => {}
                () = self.stop.cancelled() => {}
            }
        }
    }

    /// Offers a connection until it is lost or not wanted any more, then closes it.
    async fn serve(&self, connection: Pooled) {
        let connection = Arc::new(connection);
        let lost = CancellationToken::new();
        if self.metrics.connections.get() > 0 {
            self.metrics.reconnects.add_one();
        }
        self.metrics.connections.add_one();
        self.metrics.connected.add(1, &[]);
        tracing::info!(server.address = self.peer, "broker.connected");
        let (block, blocked) = watch::channel(false);
        let session = Session { connection: Arc::downgrade(&connection), lost: lost.clone(), blocked };
        self.publish.send_replace(Some(session));
        tokio::select! {
            () = until_lost(&connection, &self.peer, &block) => {}
            () = lost.cancelled() => tracing::warn!(server.address = self.peer, "broker.suspected"),
            () = self.stop.cancelled() => {}
        }
        self.publish.send_replace(None);
        self.metrics.connected.add(-1, &[]);
        lost.cancel();
        // Even a connection that is only suspected must be seen as dead by the pool, or it would be handed out again.
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, connection.close(200, "bye".into())).await;
    }
}

/// Watches the connection until it is lost, and tells when the broker blocks it.
async fn until_lost(connection: &Pooled, peer: &str, block: &watch::Sender<bool>) {
    let mut events = std::pin::pin!(connection.events_listener());
    let mut look = tokio::time::interval(Duration::from_secs(1));
    while connection.status().connected() {
        // The connection's own word, so that no event can be missed: it knows before its listeners do.
        note(block, connection.status().blocked(), peer);
        tokio::select! {
            event = events.next() => match event {
                // A channel's error is told by whoever used the channel.
                Some(Event::Error(error)) if error.is_amqp_soft_error() => {}
                Some(Event::Error(error)) => tracing::warn!(server.address = peer, %error, "broker.connection_error"),
                Some(_) => {}
                None => return,
            },
            _ = look.tick() => {}
        }
    }
}

/// Tells a change, and logs it once.
fn note(block: &watch::Sender<bool>, blocked: bool, peer: &str) {
    let changed = block.send_if_modified(|was| std::mem::replace(was, blocked) != blocked);
    match (changed, blocked) {
        (true, true) => tracing::warn!(server.address = peer, "broker.blocked"),
        (true, false) => tracing::info!(server.address = peer, "broker.unblocked"),
        (false, _) => {}
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Weak, time::Duration};

    use tokio::sync::watch;
    use tokio_util::sync::CancellationToken;

    use super::{FIRST_PAUSE, LONGEST_PAUSE, Link, Pace, Session, note};

    #[test]
    fn a_blocked_connection_is_not_up() {
        let (publish, session) = watch::channel(None);
        let link = Link { session, ended: CancellationToken::new() };
        assert!(!link.is_up(), "no connection");
        let (block, blocked) = watch::channel(false);
        publish.send_replace(Some(Session {
            connection: Weak::new(),
            lost: CancellationToken::new(),
            blocked,
        }));
        assert!(link.is_up());
        note(&block, true, "broker:5672");
        assert!(!link.is_up());
        note(&block, false, "broker:5672");
        assert!(link.is_up());
    }

    #[tokio::test]
    async fn a_connection_that_is_known_to_be_gone_is_not_given_out() {
        let (publish, session) = watch::channel(None);
        let link = Link { session, ended: CancellationToken::new() };
        let offer = || {
            let (_, blocked) = watch::channel(false);
            let (connection, lost) = (Weak::new(), CancellationToken::new());
            publish.send_replace(Some(Session { connection, lost: lost.clone(), blocked }));
            lost
        };
        let first = offer();
        assert!(link.connected().await.is_ok() && link.is_up());
        first.cancel();
        assert!(!link.is_up());
        let again = link.connected();
        let mut again = std::pin::pin!(again);
        assert!(futures_util::poll!(&mut again).is_pending(), "the supervisor has not replaced it yet");
        let second = offer();
        again.await.unwrap().suspect();
        assert!(second.is_cancelled(), "the one that was given out");
    }

    #[test]
    fn the_next_try_is_never_far_away() {
        let mut pace = Pace::new(FIRST_PAUSE, LONGEST_PAUSE);
        assert!((0..200).all(|_| pace.step() <= Duration::from_millis(550)));
    }

    #[test]
    fn only_a_change_is_told() {
        let (block, mut blocked) = watch::channel(false);
        for (is, changes) in [(false, false), (true, true), (true, false), (false, true)] {
            note(&block, is, "broker:5672");
            assert_eq!((*blocked.borrow(), blocked.has_changed().unwrap()), (is, changes));
            blocked.mark_unchanged();
        }
    }
}
