//! Keeps processes running: starts them, sees that they become ready, starts again what dies, stops all in order.

mod error;
mod keep;
#[cfg(test)]
mod tests;
mod watched;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use testkit::{
    backends::Ready,
    process::{ProcessId, Program},
    wait,
};
use tokio::task::{AbortHandle, JoinHandle};
use tokio_util::sync::CancellationToken;

use super::{
    Layout,
    records::{Records, Tier},
    sweep::MARK,
};
pub use error::StartError;
use keep::{keep, launch};
pub use watched::Endings;
use watched::Watched;

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

/// All units of a run.
pub struct Supervisor {
    layout: Layout,
    records: Arc<Records>,
    kept: Mutex<Vec<Kept>>,
    tasks: Mutex<Vec<AbortHandle>>,
    watched: Mutex<BTreeMap<String, Arc<Watched>>>,
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
        Ok(Self {
            layout: layout.clone(),
            records,
            kept: Mutex::default(),
            tasks: Mutex::default(),
            watched: Mutex::default(),
        })
    }

    /// Starts a unit, and keeps it running from now on. Gives the time until it was ready.
    ///
    /// # Errors
    /// [`StartError`]; the unit is not kept then.
    pub async fn start(&self, mut unit: Unit) -> Result<Duration, StartError> {
        let begin = Instant::now();
        unit.program = unit.program.env(MARK, self.layout.root());
        let stop = CancellationToken::new();
        let watched = Arc::new(Watched::default());
        let mut child = launch(&unit, &self.records, &watched)?;
        let ready = tokio::select! {
            status = child.wait() => {
                let how = status.map_or_else(|error| error.to_string(), |status| status.to_string());
                Err(StartError::died(&unit, how))
            }
            ready = wait::until(unit.patience, || unit.ready.look()) => {
                ready.map_err(|_| StartError::not_ready(&unit))
            }
        };
        // Also one that is not ready is there, and has to be stopped.
        if child.id().is_none() {
            self.records.remove(&unit.name).ok();
        } else {
            let (tier, records) = (unit.tier, self.records.clone());
            self.watched().insert(unit.name.clone(), watched.clone());
            let task = tokio::spawn(keep(unit, child, (records, watched), stop.clone()));
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

    /// The process that runs now under that unit's name.
    pub fn process(&self, name: &str) -> Option<ProcessId> {
        self.watched().get(name)?.process()
    }

    /// Whether there is a unit of that name, which from now on is not started again when it dies, until it is released.
    pub fn hold(&self, name: &str) -> bool {
        self.watched().get(name).map(|unit| unit.hold(true)).is_some()
    }

    /// Whether there is a unit of that name, which is started again from now on, and now if it died while it was held.
    pub fn release(&self, name: &str) -> bool {
        self.watched().get(name).map(|unit| unit.hold(false)).is_some()
    }

    /// How often each unit's processes ended that nobody had asked to. Each is started again.
    pub fn endings(&self) -> BTreeMap<String, Endings> {
        self.watched().iter().map(|(name, unit)| (name.clone(), unit.endings())).collect()
    }

    fn kept(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watched(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Watched>>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
