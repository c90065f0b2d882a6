//! One unit through its deaths.

use std::{
    os::unix::process::ExitStatusExt as _,
    sync::Arc,
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;
use testkit::{process::ProcessId, wait};
use tokio::process::Child;
use tokio_util::sync::CancellationToken;

use super::{StartError, Unit, watched::Watched};
use crate::{
    local::records::{Record, Records},
    output,
};

/// A process that ran this long before it died is started again at once.
const SETTLED: Duration = Duration::from_secs(1);
/// The pause before a process that dies young is started again. Doubled each time, unless it had become ready.
const PAUSE: Duration = Duration::from_millis(250);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Starts the process and writes it down.
pub(super) fn launch(unit: &Unit, records: &Records, watched: &Watched) -> Result<Child, StartError> {
    let failed = |error| StartError::Spawn { name: unit.name.clone(), error };
    let child = unit.program.spawn().map_err(failed)?;
    let process = child.id().and_then(ProcessId::of);
    watched.runs(process.clone());
    if let Some(process) = process {
        records.put(&unit.name, Record::new(process, unit.tier, &unit.program)).map_err(failed)?;
    }
    Ok(child)
}

/// Sees a process through its deaths until it is to stop.
pub(super) async fn keep(
    unit: Unit,
    mut child: Child,
    (records, watched): (Arc<Records>, Arc<Watched>),
    stop: CancellationToken,
) {
    let mut pause = Duration::ZERO;
    // Of the first process that was told to whoever started it.
    let mut ready = true;
    loop {
        let begin = Instant::now();
        let status = tokio::select! {
            status = child.wait() => status,
            () = note_ready(&unit, &mut ready) => continue,
            () = stop.cancelled() => {
                end(&unit, &mut child).await;
                watched.runs(None);
                records.remove(&unit.name).ok();
                return;
            }
        };
        watched.runs(None);
        pause = pause_after(pause, begin.elapsed(), ready);
        let killed = status.as_ref().is_ok_and(|status| status.signal() == Some(Signal::SIGKILL as i32));
        watched.ended(killed);
        let how = status.map_or_else(|error| error.to_string(), |status| status.to_string());
        let then = if watched.is_held() {
            "stays down until it is released".to_owned()
        } else {
            format!("started again{}", after(pause))
        };
        output::line(&format!("{} ended ({how}); {then}", unit.name));
        loop {
            let may_start = async {
                tokio::time::sleep(pause).await;
                watched.released().await;
            };
            tokio::select! {
                () = may_start => {}
                () = stop.cancelled() => {
                    records.remove(&unit.name).ok();
                    return;
                }
            }
            match launch(&unit, &records, &watched) {
                Ok(again) => {
                    child = again;
                    break;
                }
                Err(error) => {
                    pause = next(pause);
                    output::line(&format!("{error}; tried again{}", after(pause)));
                }
            }
        }
        ready = false;
    }
}

/// Notes that the unit is ready, once; it never comes back.
async fn note_ready(unit: &Unit, ready: &mut bool) {
    if !*ready {
        *ready = wait::until(Duration::MAX, || unit.ready.look()).await.is_ok();
    }
    std::future::pending().await
}

async fn end(unit: &Unit, child: &mut Child) {
    let Some(process) = child.id().and_then(ProcessId::of) else {
        child.wait().await.ok();
        return;
    };
    // Collected while it is awaited: else it would stay as a zombie.
    let (_, _) = tokio::join!(process.stop(unit.program.end, unit.program.grace), child.wait());
}

/// The pause after a death. One that was at work was killed, by a fault test or by chance: nothing is gained by waiting.
fn pause_after(before: Duration, lived: Duration, was_ready: bool) -> Duration {
    match (lived >= SETTLED, was_ready) {
        (true, _) => Duration::ZERO,
        (false, true) => PAUSE,
        (false, false) => next(before),
    }
}

fn next(pause: Duration) -> Duration {
    if pause.is_zero() { PAUSE } else { (pause * 2).min(LONGEST_PAUSE) }
}

fn after(pause: Duration) -> String {
    if pause.is_zero() { " at once".to_owned() } else { format!(" in {:.1} s", pause.as_secs_f64()) }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST_PAUSE, PAUSE, SETTLED, pause_after};
    use std::time::Duration;

    #[test]
    fn only_what_never_gets_to_work_waits_longer_each_time() {
        let young = SETTLED / 2;
        let mut pause = Duration::ZERO;
        for expected in [PAUSE, PAUSE * 2, PAUSE * 4] {
            pause = pause_after(pause, young, false);
            assert_eq!(pause, expected);
        }
        assert_eq!(pause_after(LONGEST_PAUSE, young, false), LONGEST_PAUSE);
        assert_eq!(pause_after(pause, young, true), PAUSE);
        assert_eq!(pause_after(pause, SETTLED, false), Duration::ZERO);
    }
}
