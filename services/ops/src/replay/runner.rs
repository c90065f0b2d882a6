//! Carries plans out, until the process is asked to stop. All that it knows is in the database: a run that was cut off goes on at the next
//! start, and two processes share the runs.

use std::{collections::BTreeMap, time::Duration};

use domain::{
    ids::PlanId,
    ports::{Outbox, StoreDown},
};
use ledger::replay::Next;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Replay;

/// How often it is looked what became of what was published, and whether there is a run at all.
const LOOK: Duration = Duration::from_millis(500);
/// The pause after the broker or the database did not take something.
const PAUSE: Duration = Duration::from_millis(500);

/// Runs plans until it is asked to stop. What is in hand then is marked first.
pub async fn run(replay: &Replay, outbox: &dyn Outbox, stop: &CancellationToken) {
    let mut runner = Runner { replay, outbox, looked: BTreeMap::new() };
    while !stop.is_cancelled() {
        let pause = runner.round().await.unwrap_or(PAUSE);
        if pause.is_zero() {
            continue;
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = replay.wake.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

struct Runner<'a> {
    replay: &'a Replay,
    outbox: &'a dyn Outbox,
    /// When it was looked last what became of a plan's letters.
    looked: BTreeMap<PlanId, Instant>,
}

impl Runner<'_> {
    /// One letter of each run, and how long to wait before the next round.
    async fn round(&mut self) -> Result<Duration, StoreDown> {
        let plans = self.replay.store().unfinished_plans().await?;
        self.looked.retain(|plan, _| plans.contains(plan));
        let mut pause = LOOK;
        for plan in plans {
            if self.looked.get(&plan).is_none_or(|last| last.elapsed() >= LOOK) {
                self.replay.store().weigh(plan).await?;
                self.looked.insert(plan, Instant::now());
            }
            pause = pause.min(self.step(plan).await?);
        }
        Ok(pause)
    }

    async fn step(&self, plan: PlanId) -> Result<Duration, StoreDown> {
        Ok(match self.replay.next(plan, self.outbox).await? {
            Next::Published | Next::Skipped => Duration::ZERO,
            Next::NotBefore(wait) => wait,
            Next::Nothing => LOOK,
            Next::Unconfirmed => {
                tracing::warn!(frontdesk.plan = %plan, "replay.unconfirmed");
                PAUSE
            }
            Next::Ended(state) => {
                tracing::info!(frontdesk.plan = %plan, frontdesk.state = state.as_str(), "replay.ended");
                Duration::ZERO
            }
        })
    }
}
