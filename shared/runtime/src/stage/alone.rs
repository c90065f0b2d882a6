//! A message that keeps killing its consumers: an abort, a stack that overflows, memory that ends. Nobody is left to tell of that, so
//! its neighbours in hand come back with it, and look the same.
//!
//! What came back, other than from this process, which lives, is handled with nothing else in hand in the whole process, and that is noted
//! before. Only what processes died of that way, twice, is put with the dead letters: at the third death. Its neighbours are handled alone
//! once, come to their end, and are free of suspicion. How often a message came back is the broker's count: it says whom to suspect, and
//! proves nothing.

use std::time::Duration;

use domain::{
    Code, Meta, Stage,
    envelope::Envelope,
    ids::SuspectId,
    ports::{Pending, StoreDown},
    suspect::{Alone, SIGN_OF_LIFE, Suspect},
};
use jiff::Timestamp;
use tokio::sync::{RwLock, RwLockReadGuard};

use super::{
    Handler, RAW_SCHEMA,
    case::{Case, Core},
    effect::{self, Verdict, let_go},
    executor::{self, Decision},
};
use crate::amqp::Pace;

/// Pauses while the store does not answer.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_millis(700);

/// Where deliveries are handled. Those that wait get in in their order, so that nobody waits for ever.
#[derive(Default)]
pub(super) struct Room(RwLock<()>);

impl Room {
    /// For what may be handled beside others.
    pub(super) async fn beside_others(&self) -> RwLockReadGuard<'_, ()> {
        self.0.read().await
    }
}

/// Handles a suspect with nothing else in hand, or puts it with the dead letters if it is more than one.
pub(super) async fn deliver<H: Handler>(
    core: &Core,
    handler: &H,
    case: &mut Case,
    comebacks: u32,
) -> Verdict {
    let queue = core.stage.queue(&case.lane);
    let id = SuspectId::of(&queue, case.message, &case.body);
    loop {
        // A process that stops begins no suspect: cut by its deadline, it would count as a death.
        let alone = tokio::select! {
            biased;
            () = case.lost.cancelled() => return let_go(core, case),
            () = core.stop.cancelled() => return let_go(core, case),
            alone = core.room.0.write() => alone,
        };
        // Those before it may have taken their time.
        if core.pauses.lane(core.stage, &case.lane) {
            return let_go(core, case);
        }
        let suspect = Suspect {
            id,
            message: case.cx.message,
            stage: core.stage,
            lane: case.lane.clone(),
            comebacks,
            process: core.process,
            at: core.clock.now(),
        };
        let Some(known) = begin(core, case, &suspect).await else { return let_go(core, case) };
        match known {
            Alone::Begun => {
                let verdict = tokio::select! {
                    verdict = executor::to_the_end(core, handler, case) => verdict,
                    () = signs_of_life(core, suspect) => let_go(core, case),
                };
                end(core, id).await;
                return verdict;
            }
            Alone::Elsewhere { until } => {
                drop(alone);
                tokio::select! {
                    () = tokio::time::sleep(until_then(core.clock.now(), until)) => {}
                    () = case.lost.cancelled() => return let_go(core, case),
                    () = core.stop.cancelled() => return let_go(core, case),
                }
            }
            Alone::Proven { deaths, last } => {
                drop(alone);
                tracing::error!(frontdesk.deaths = deaths, frontdesk.last_seen_at = %last, "delivery.isolated");
                core.metrics.isolated.add(&[case.lane_label()]);
                case.meta = meta(core, &case.body);
                let poison = Decision::Die { code: Code::Poison, field: None, endpoint: None };
                let verdict = effect::carry_out(core, case, poison).await;
                if verdict == Verdict::Done {
                    repeated(core, || core.log.isolated(id, core.clock.now())).await;
                }
                return verdict;
            }
        }
    }
}

/// `None`: the delivery is no longer ours, or the process stops.
async fn begin(core: &Core, case: &Case, suspect: &Suspect) -> Option<Alone> {
    let mut pace = Pace::new(FIRST_PAUSE, LONGEST_PAUSE);
    loop {
        if let Ok(known) = core.log.begin_alone(suspect.clone()).await {
            return Some(known);
        }
        core.metrics.store_retries.add_one();
        tokio::select! {
            () = tokio::time::sleep(pace.step()) => {}
            () = case.lost.cancelled() => return None,
            () = core.stop.cancelled() => return None,
        }
    }
}

/// Says that the process lives, for as long as it is polled. A store that does not answer now is told the next time.
async fn signs_of_life(core: &Core, suspect: Suspect) {
    loop {
        tokio::time::sleep(SIGN_OF_LIFE).await;
        let _ = core.log.begin_alone(Suspect { at: core.clock.now(), ..suspect.clone() }).await;
    }
}

/// The process has outlived it. What is left there counts as a death.
async fn end(core: &Core, id: SuspectId) {
    repeated(core, || core.log.end_alone(id, core.process)).await;
}

/// Until it is written, for as long as the process may still finish what it has in hand.
async fn repeated(core: &Core, write: impl Fn() -> Pending<Result<(), StoreDown>>) {
    let mut pace = Pace::new(FIRST_PAUSE, LONGEST_PAUSE);
    while write().await.is_err() {
        core.metrics.store_retries.add_one();
        tokio::time::sleep(pace.step()).await;
    }
}

fn until_then(now: Timestamp, then: Timestamp) -> Duration {
    Duration::try_from(then.duration_since(now)).unwrap_or_default().max(FIRST_PAUSE)
}

/// What the message says of itself in clear, without its being opened: nothing of what may kill is done again.
pub(super) fn meta(core: &Core, body: &[u8]) -> Option<Meta> {
    let envelope = Envelope::from_slice(body).ok().filter(|envelope| envelope.schema != RAW_SCHEMA)?;
    // Only validation gives an admission, so what came to it can only claim one.
    let admission = envelope.meta.admission.filter(|_| core.stage != Stage::Validation);
    Some(Meta { admission, ..envelope.meta })
}
