//! One runner at a time in a run's folder.

use std::{
    fs::{File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, bail};
use testkit::wait;

use super::{Layout, records::Runner};
use crate::output;

/// A lock that ends with the process that holds it, however that ends.
pub struct Lock(#[allow(dead_code, reason = "held, not used")] File);

/// Longer than the guard of a killed runner takes to stop what that left.
const GUARD_PATIENCE: Duration = Duration::from_secs(120);

impl Lock {
    /// Becomes the runner; first waits for the guard of a killed one to finish its work.
    ///
    /// # Errors
    /// If another runner is there, which it names.
    pub async fn runner(layout: &Layout) -> anyhow::Result<Self> {
        let Some(lock) = Self::try_take(&path(layout, "runner.lock"))? else {
            let pid = Runner::read(layout)
                .map_or_else(String::new, |runner| format!(" (process {})", runner.process.pid));
            bail!("it is already running{pid} in {}: end it with ./dev down", layout.root().display());
        };
        if Self::try_take(&path(layout, "guard.lock"))?.is_none() {
            output::line("the last run was killed: waiting until what it left is stopped");
            wait::until_some(GUARD_PATIENCE, || async {
                Self::try_take(&path(layout, "guard.lock")).ok().flatten()
            })
            .await
            .context("what the last run left does not stop: see ./dev down")?;
        }
        Ok(lock)
    }

    /// Becomes the guard.
    ///
    /// # Errors
    /// If the lock's file cannot be opened.
    pub fn guard(layout: &Layout) -> anyhow::Result<Option<Self>> {
        Self::try_take(&path(layout, "guard.lock"))
    }

    /// Whether a runner is there.
    ///
    /// # Errors
    /// If the lock's file cannot be opened.
    pub fn is_running(layout: &Layout) -> anyhow::Result<bool> {
        Ok(Self::try_take(&path(layout, "runner.lock"))?.is_none())
    }

    fn try_take(path: &Path) -> anyhow::Result<Option<Self>> {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)
            .with_context(|| format!("cannot open {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error).context(format!("cannot lock {}", path.display())),
        }
    }
}

fn path(layout: &Layout, name: &str) -> PathBuf {
    layout.root().join(name)
}
