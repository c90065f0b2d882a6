//! What is paused now: the switch board, polled.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use domain::{
    ClinicId, Endpoint, LaneName, Stage,
    ports::{SwitchBoard, SwitchScope},
};
use jiff::Timestamp;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Consumers obey within two seconds; this leaves room for a slow answer.
const EVERY: Duration = Duration::from_millis(500);
/// An answer that takes longer is none.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long a message of a paused clinic or endpoint waits before it is looked at again.
pub(super) const PAUSED_WAIT: Duration = Duration::from_secs(30);

/// A view of the switch board. While the board does not answer, what it said last holds.
#[derive(Clone)]
pub(super) struct Pauses(watch::Receiver<Arc<HashSet<SwitchScope>>>);

impl Pauses {
    /// Reads the board once, then keeps reading until `stop`.
    pub(super) async fn follow(board: Arc<dyn SwitchBoard>, stop: CancellationToken) -> Self {
        let (publish, view) = watch::channel(Arc::new(read(&*board).await.unwrap_or_default()));
        tokio::spawn(async move {
            while !stop.is_cancelled() {
                tokio::select! {
                    () = tokio::time::sleep(EVERY) => {}
                    () = stop.cancelled() => return,
                }
                if let Some(paused) = read(&*board).await {
                    publish.send_if_modified(|now| {
                        let changed = **now != paused;
                        if changed {
                            *now = Arc::new(paused);
                        }
                        changed
                    });
                }
            }
        });
        Self(view)
    }

    /// Nothing is ever paused.
    pub(super) fn none() -> Self {
        Self(watch::channel(Arc::default()).1)
    }

    fn has(&self, scope: &SwitchScope) -> bool {
        self.0.borrow().contains(scope)
    }

    /// Whether a stage or one of its lanes is paused as a whole.
    pub(super) fn lane(&self, stage: Stage, lane: &LaneName) -> bool {
        self.has(&SwitchScope::Stage(stage)) || self.has(&SwitchScope::Lane(lane.clone()))
    }

    /// Whether a clinic is paused.
    pub(super) fn clinic(&self, clinic: &ClinicId) -> bool {
        self.has(&SwitchScope::Clinic(clinic.clone()))
    }

    /// Whether an endpoint is paused.
    pub(super) fn endpoint(&self, endpoint: &Endpoint) -> bool {
        self.has(&SwitchScope::Endpoint(endpoint.clone()))
    }

    /// Resolves when something changed. Never, once nobody reads the board any more.
    pub(super) async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Until when lanes were paused by this process's knowledge, seconds since 1970.
#[derive(Default)]
pub(super) struct Waits(Mutex<BTreeMap<LaneName, u64>>);

impl Waits {
    /// The lane was paused until now.
    pub(super) fn ended(&self, lane: &LaneName, now: Timestamp) {
        let now = u64::try_from(now.as_second()).unwrap_or(0);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(lane.clone(), now);
    }

    /// Whether what was published then lay in the lane while it was paused.
    pub(super) fn kept(&self, lane: &LaneName, published: u64) -> bool {
        let ends = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ends.get(lane).is_some_and(|end| published < *end)
    }
}

async fn read(board: &dyn SwitchBoard) -> Option<HashSet<SwitchScope>> {
    let paused = tokio::time::timeout(PATIENCE, board.paused()).await.ok()?.ok()?;
    Some(paused.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::Waits;

    #[test]
    fn what_was_published_before_a_pause_ended_was_kept_by_it() {
        let (waits, north) = (Waits::default(), "north".parse().unwrap());
        assert!(!waits.kept(&north, 5), "it was never paused");
        waits.ended(&north, jiff::Timestamp::from_second(100).unwrap());
        assert!(waits.kept(&north, 99) && !waits.kept(&north, 100));
        assert!(!waits.kept(&"south".parse().unwrap(), 99));
    }
}
