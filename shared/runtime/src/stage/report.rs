//! Tells of the process's breakers while one of them is not closed: never more than once a second, whatever passes.

use std::{sync::Arc, time::Duration};

use domain::breaker::{BreakerNote, BreakerReport, TOLD_EVERY};
use tokio::time::{Instant, timeout};

use super::case::Core;

/// How soon a change is told.
const LOOKED_AT_EVERY: Duration = Duration::from_secs(1);
/// A store that takes longer does not answer: no stop waits for it.
const PATIENCE: Duration = Duration::from_secs(2);

/// Tells until the process is asked to stop, and then that there are none.
pub(super) async fn breakers(core: Arc<Core>) {
    let mut told: Option<(Instant, Vec<BreakerNote>)> = None;
    loop {
        let stopping = tokio::select! {
            () = tokio::time::sleep(LOOKED_AT_EVERY) => false,
            () = core.stop.cancelled() => true,
        };
        let now = core.clock.now();
        core.breakers.tell(now);
        let standing = if stopping { Vec::new() } else { core.breakers.standing(now) };
        let news = match &told {
            None => !standing.is_empty(),
            Some((at, last)) => *last != standing || at.elapsed() >= TOLD_EVERY,
        };
        if news {
            let (process, stage) = (core.process, core.stage);
            let report = BreakerReport { process, stage, at: now, breakers: standing.clone() };
            // A store that does not answer is told the next time.
            if let Ok(Ok(())) = timeout(PATIENCE, core.log.breakers(report)).await {
                told = (!standing.is_empty()).then(|| (Instant::now(), standing));
            }
        }
        if stopping {
            return;
        }
    }
}
