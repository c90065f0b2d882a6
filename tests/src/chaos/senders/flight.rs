//! How many submissions are on their way.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};

use super::tally::Fate;
use crate::chaos::people::Dispatch;

/// Counts that the senders and whoever watches the ledger share.
#[derive(Default)]
pub struct Flight {
    begun: AtomicU64,
    accepted: AtomicU64,
    settled: AtomicU64,
    moved: Notify,
}

impl Flight {
    /// Tells how many submissions the ledger has brought to an end, in all.
    pub fn settled(&self, count: u64) {
        self.settled.store(count, Relaxed);
        self.moved.notify_waiters();
    }

    /// Different submissions accepted so far.
    pub fn accepted(&self) -> u64 {
        self.accepted.load(Relaxed)
    }

    /// Submissions begun and not settled.
    pub fn unsettled(&self) -> u64 {
        self.begun.load(Relaxed).saturating_sub(self.settled.load(Relaxed))
    }

    /// Waits for room below the bound. `false`: the deadline came first.
    pub(super) async fn room(&self, bound: u64, deadline: Instant) -> bool {
        loop {
            let moved = self.moved.notified();
            tokio::pin!(moved);
            // Registered before the look, so that nothing is missed between look and wait.
            moved.as_mut().enable();
            if Instant::now() >= deadline {
                return false;
            }
            if self.unsettled() < bound {
                return true;
            }
            let _ = timeout_at(deadline, moved).await;
        }
    }

    pub(super) fn begin(&self, dispatch: &Dispatch) {
        let count = match dispatch {
            Dispatch::One(_) => 1,
            Dispatch::Pair(..) => 2,
            Dispatch::Again(_) | Dispatch::Poison(_) => 0,
        };
        self.begun.fetch_add(count, Relaxed);
    }

    pub(super) fn note(&self, fates: &[Fate]) {
        for fate in fates {
            if let Fate::Submission { accepted, again: false, .. } = fate {
                match accepted {
                    Some(_) => self.accepted.fetch_add(1, Relaxed),
                    None => self.begun.fetch_sub(1, Relaxed),
                };
            }
        }
        self.moved.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use tokio::time::Instant;

    use super::Flight;

    #[tokio::test]
    async fn waits_until_something_settles() {
        let flight = Arc::new(Flight::default());
        flight.begun.store(5, std::sync::atomic::Ordering::Relaxed);
        let far = Instant::now() + Duration::from_secs(60);
        assert!(flight.room(6, far).await);
        let waiting = tokio::spawn({
            let flight = Arc::clone(&flight);
            async move { flight.room(5, far).await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        flight.settled(1);
        assert!(waiting.await.unwrap());
        assert!(!flight.room(1, Instant::now()).await, "the deadline has come");
    }
}
