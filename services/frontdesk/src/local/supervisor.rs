//! Keeps processes running: starts them, sees that they become ready, starts again what dies, stops all in order.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use testkit::{
    backends::Ready,
    process::{ProcessId, Program},
    wait,
};
use tokio::{
    process::Child,
    task::{AbortHandle, JoinHandle},
};
use tokio_util::sync::CancellationToken;

use super::{
    Layout,
    records::{Record, Records, Tier},
    sweep::MARK,
};
use crate::output;

/// A process that ran this long before it died is started again at once.
const HEALTHY: Duration = Duration::from_secs(5);
/// The pause before a process that dies young is started again: doubled each time.
const PAUSE: Duration = Duration::from_millis(250);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// A process to be kept running.
#[derive(Debug, Clone)]
pub struct Unit {
    /// Its name in records and logs.
    pub name: String,
    /// What to run.
    pub program: Program,
    /// How one sees that it is ready.
    pub ready: Ready,
    /// How long it may take until then.
    pub patience: Duration,
    /// When to stop it.
    pub tier: Tier,
}

/// A unit did not become ready.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// It could not be started at all.
    #[error("{name} cannot be started: {error}")]
    Spawn {
        /// Which.
        name: String,
        /// Why.
        error: std::io::Error,
    },
    /// It ended by itself.
    #[error("{name} ended ({status}) before it was ready: {last} (log: {log})")]
    Died {
        /// Which.
        name: String,
        /// How.
        status: String,
        /// The last line that it wrote.
        last: String,
        /// Its output.
        log: String,
    },
    /// It runs, but is not ready.
    #[error("{name} is not ready after {seconds} s: {last} (log: {log})")]
    NotReady {
        /// Which.
        name: String,
        /// How long it had.
        seconds: u64,
        /// The last line that it wrote.
        last: String,
        /// Its output.
        log: String,
    },
}

/// All units of a run.
pub struct Supervisor {
    layout: Layout,
    records: Arc<Records>,
    kept: Mutex<Vec<Kept>>,
    tasks: Mutex<Vec<AbortHandle>>,
}

struct Kept {
    tier: Tier,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Supervisor {
    /// Nothing yet.
    ///
    /// # Errors
    /// If the records cannot be written.
    pub fn new(layout: &Layout) -> std::io::Result<Self> {
        let records = Arc::new(Records::empty(layout)?);
        Ok(Self { layout: layout.clone(), records, kept: Mutex::default(), tasks: Mutex::default() })
    }

    /// Starts a unit, and keeps it running from now on. Gives the time until it was ready.
    ///
    /// # Errors
    /// [`StartError`]; the unit is not kept then.
    pub async fn start(&self, mut unit: Unit) -> Result<Duration, StartError> {
        let begin = Instant::now();
        unit.program = unit.program.env(MARK, self.layout.root());
        let stop = CancellationToken::new();
        let mut child = launch(&unit, &self.records)?;
        let ready = tokio::select! {
            status = child.wait() => Err(died(&unit, status.map_or_else(|error| error.to_string(), |status| status.to_string()))),
            ready = wait::until(unit.patience, || unit.ready.look()) => ready.map_err(|_| not_ready(&unit)),
        };
        // Also one that is not ready is there, and has to be stopped.
        if child.id().is_none() {
            self.records.remove(&unit.name).ok();
        } else {
            let (tier, records) = (unit.tier, self.records.clone());
            let task = tokio::spawn(keep(unit, child, records, stop.clone()));
            self.tasks.lock().unwrap_or_else(PoisonError::into_inner).push(task.abort_handle());
            self.kept().push(Kept { tier, stop, task });
        }
        ready.map(|()| begin.elapsed())
    }

    /// Stops everything, the highest tier first, each tier at once.
    pub async fn stop(&self) {
        let mut kept = std::mem::take(&mut *self.kept());
        kept.sort_by_key(|one| one.tier);
        while let Some(last) = kept.last() {
            let tier = last.tier;
            let these = kept.split_off(kept.partition_point(|one| one.tier < tier));
            these.iter().for_each(|one| one.stop.cancel());
            join_all(these.into_iter().map(|one| one.task)).await;
        }
    }

    /// Leaves everything as it is: nothing is started again, and nothing is stopped.
    pub fn abandon(&self) {
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        tasks.iter().for_each(AbortHandle::abort);
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Vec<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts the process and writes it down.
fn launch(unit: &Unit, records: &Records) -> Result<Child, StartError> {
    let failed = |error| StartError::Spawn { name: unit.name.clone(), error };
    let child = unit.program.spawn().map_err(failed)?;
    if let Some(process) = child.id().and_then(ProcessId::of) {
        records.put(&unit.name, Record::new(process, unit.tier, &unit.program)).map_err(failed)?;
    }
    Ok(child)
}

/// Sees a process through its deaths until it is to stop.
async fn keep(unit: Unit, mut child: Child, records: Arc<Records>, stop: CancellationToken) {
    let mut pause = Duration::ZERO;
    loop {
        let begin = Instant::now();
        tokio::select! {
            status = child.wait() => {
                let how = status.map_or_else(|error| error.to_string(), |status| status.to_string());
                pause = if begin.elapsed() > HEALTHY { Duration::ZERO } else { next(pause) };
                output::line(&format!("{} ended ({how}); started again{}", unit.name, after(pause)));
            }
            () = stop.cancelled() => {
                end(&unit, &mut child).await;
                records.remove(&unit.name).ok();
                return;
            }
        }
        loop {
            if tokio::time::timeout(pause, stop.cancelled()).await.is_ok() {
                records.remove(&unit.name).ok();
                return;
            }
            match launch(&unit, &records) {
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
    }
}

async fn end(unit: &Unit, child: &mut Child) {
    let Some(process) = child.id().and_then(ProcessId::of) else {
        child.wait().await.ok();
        return;
    };
    // Collected while it is awaited: else it would stay as a zombie.
    let (_, _) = tokio::join!(process.stop(unit.program.end, unit.program.grace), child.wait());
}

/// The first death costs no pause: that is what a fault test, or a rare crash, looks like.
fn next(pause: Duration) -> Duration {
    if pause.is_zero() { PAUSE } else { (pause * 2).min(LONGEST_PAUSE) }
}

fn after(pause: Duration) -> String {
    if pause.is_zero() { " at once".to_owned() } else { format!(" in {:.1} s", pause.as_secs_f64()) }
}

fn died(unit: &Unit, status: String) -> StartError {
    let (last, log) = last_words(unit);
    StartError::Died { name: unit.name.clone(), status, last, log }
}

fn not_ready(unit: &Unit) -> StartError {
    let (last, log) = last_words(unit);
    StartError::NotReady { name: unit.name.clone(), seconds: unit.patience.as_secs(), last, log }
}

fn last_words(unit: &Unit) -> (String, String) {
    let log = unit.program.log();
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let last = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it wrote nothing");
    (last.trim().to_owned(), log.display().to_string())
}
