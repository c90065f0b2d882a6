//! Waiting until the line is empty, with nobody's help.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use frontdesk::output::Doing;
use runtime::topology::Management;

use super::look;

/// Looks are this far apart.
const PAUSE: Duration = Duration::from_millis(500);
/// The broker counts its queues every five seconds: an empty line must look empty for longer.
const QUIET: Duration = Duration::from_secs(6);
/// With submissions in flight and no message anywhere, for so long: nothing will ever move them.
const GONE: Duration = Duration::from_secs(20);

/// When one stops waiting.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// How long it may take in all.
    pub all: Duration,
    /// How long nothing may move before it counts as stuck: longer than the EHR's lateness and the longest wait together.
    pub still: Duration,
}

/// Where the line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Standing {
    admitted: u64,
    in_flight: u64,
    queued: u64,
}

/// Waits until all accepted submissions are admitted, none is in flight and no queue holds anything. Gives the time that
/// it took until the last moved, or `None` if the line is stuck: what is left then is for the checks to name.
///
/// # Errors
/// If the broker or the database does not answer in two minutes.
pub async fn drain(
    database: &str,
    management: &Management,
    accepted: u64,
    patience: Patience,
) -> anyhow::Result<Option<Duration>> {
    let doing = Doing::begin("draining");
    let begin = Instant::now();
    let (mut moved, mut before, mut quiet, mut gone) = (begin, None, None::<Instant>, None::<Instant>);
    loop {
        let now = standing(database, management).await;
        if let Ok(now) = &now {
            let Standing { admitted, in_flight, queued } = now;
            doing.goes(format!(
                "draining: {admitted} of {accepted} admitted, {in_flight} in flight, {queued} queued"
            ));
            if before != Some(*now) {
                (moved, before) = (Instant::now(), Some(*now));
            }
            if *admitted >= accepted && *in_flight == 0 && *queued == 0 {
                let since = *quiet.get_or_insert_with(Instant::now);
                if since.elapsed() >= QUIET {
                    let took = since.duration_since(begin);
                    doing.done("the line is empty");
                    return Ok(Some(took));
                }
            } else {
                quiet = None;
            }
            gone = if *queued == 0 && *in_flight > 0 { gone.or_else(|| Some(Instant::now())) } else { None };
        } else if moved.elapsed() > Duration::from_secs(120) {
            now.context("the line cannot be looked at")?;
        }
        let gone = gone.is_some_and(|since| since.elapsed() > GONE);
        if gone || moved.elapsed() > patience.still || begin.elapsed() > patience.all {
            doing.done("the line does not empty");
            return Ok(None);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn standing(database: &str, management: &Management) -> anyhow::Result<Standing> {
    const SQL: &str = "SELECT count(*) FILTER (WHERE NOT copy), count(*) FILTER (WHERE state = 'in_flight') FROM submission";
    let look = async {
        let [admitted, in_flight] = look::counts(database, SQL).await?;
        let queues = management.depths().await?;
        // Dead letters too: they are to be collected.
        let queued = queues.iter().map(|queue| queue.ready + queue.unacked).sum();
        Ok(Standing { admitted, in_flight, queued })
    };
    match tokio::time::timeout(Duration::from_secs(20), look).await {
        Ok(seen) => seen,
        Err(_) => bail!("no answer in time"),
    }
}
