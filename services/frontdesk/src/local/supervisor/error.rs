//! Why a unit did not start.

use super::Unit;

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

impl StartError {
    pub(super) fn died(unit: &Unit, status: String) -> Self {
        let (last, log) = last_words(unit);
        Self::Died { name: unit.name.clone(), status, last, log }
    }

    pub(super) fn not_ready(unit: &Unit) -> Self {
        let (last, log) = last_words(unit);
        Self::NotReady { name: unit.name.clone(), seconds: unit.patience.as_secs(), last, log }
    }
}

fn last_words(unit: &Unit) -> (String, String) {
    let log = unit.program.log();
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let last = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it wrote nothing");
    (last.trim().to_owned(), log.display().to_string())
}
