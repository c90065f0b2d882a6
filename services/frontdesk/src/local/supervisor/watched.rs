//! What is known of a unit while it is kept running, and what may be asked of it.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use testkit::process::ProcessId;
use tokio::sync::watch;

/// How often a unit's processes ended that nobody had asked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Endings {
    /// By SIGKILL.
    pub killed: u64,
    /// With an exit code, or by another signal.
    pub of_itself: u64,
}

/// One unit.
#[derive(Debug, Default)]
pub(super) struct Watched {
    process: Mutex<Option<ProcessId>>,
    held: watch::Sender<bool>,
    deaths: AtomicU64,
    exits: AtomicU64,
}

impl Watched {
    /// The process that runs now.
    pub(super) fn process(&self) -> Option<ProcessId> {
        self.lock().clone()
    }

    /// It runs as another process now, or as none.
    pub(super) fn runs(&self, process: Option<ProcessId>) {
        *self.lock() = process;
    }

    /// Whether it stays down when it dies.
    pub(super) fn hold(&self, held: bool) {
        self.held.send_replace(held);
    }

    /// Whether it does.
    pub(super) fn is_held(&self) -> bool {
        *self.held.borrow()
    }

    /// Waits until it may be started again.
    pub(super) async fn released(&self) {
        // The sender lives as long as this.
        self.held.subscribe().wait_for(|held| !held).await.ok();
    }

    /// Its process ended: killed from outside, or of itself.
    pub(super) fn ended(&self, killed: bool) {
        if killed { &self.deaths } else { &self.exits }.fetch_add(1, Relaxed);
    }

    /// How often it was killed, and how often it ended of itself.
    pub(super) fn endings(&self) -> Endings {
        Endings { killed: self.deaths.load(Relaxed), of_itself: self.exits.load(Relaxed) }
    }

    fn lock(&self) -> MutexGuard<'_, Option<ProcessId>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
