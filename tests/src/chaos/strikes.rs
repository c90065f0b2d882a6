//! What was done to the line, counted.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// Counts by name. Shared by all who strike.
#[derive(Default)]
pub struct Strikes {
    counts: Mutex<BTreeMap<String, u64>>,
    points: Mutex<BTreeMap<String, u64>>,
    returns: Mutex<Vec<Return>>,
}

/// How a stage came back after the broker did.
#[derive(Debug, Clone)]
pub struct Return {
    /// The stage.
    pub stage: String,
    /// From the broker's first greeting to the beginning of the first message handled.
    pub took: Duration,
}

impl Strikes {
    /// One more.
    pub fn add(&self, name: &str) {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner).entry(name.to_owned()).or_default() += 1;
    }

    /// A process died at a named point, as asked.
    pub fn died_at(&self, point: &str) {
        *self.points.lock().unwrap_or_else(PoisonError::into_inner).entry(point.to_owned()).or_default() += 1;
    }

    /// Deaths on request, by point.
    pub fn points(&self) -> BTreeMap<String, u64> {
        self.points.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many of that name.
    pub fn of(&self, name: &str) -> u64 {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).get(name).copied().unwrap_or_default()
    }

    /// All together.
    pub fn total(&self) -> u64 {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }

    /// All.
    pub fn all(&self) -> BTreeMap<String, u64> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A stage is back.
    pub fn returned(&self, stage: Return) {
        self.returns.lock().unwrap_or_else(PoisonError::into_inner).push(stage);
    }

    /// All returns, the fastest first.
    pub fn returns(&self) -> Vec<Return> {
        let mut all = self.returns.lock().unwrap_or_else(PoisonError::into_inner).clone();
        all.sort_by_key(|one| one.took);
        all
    }
}
