//! The guard: a process that outlives a killed runner, and stops what that left.

use std::{io::Read as _, process::Stdio};

use anyhow::Context as _;
use tokio::process::{Child, Command};

use super::{
    Layout,
    lock::Lock,
    sweep::{Patience, sweep},
};

/// The runner's hold on its guard.
pub struct Guard(Child);

impl Guard {
    /// Starts the guard. It sees the runner's end by the end of its input.
    ///
    /// # Errors
    /// If this program cannot be started a second time.
    pub fn start(layout: &Layout) -> anyhow::Result<Self> {
        let child = Command::new(std::env::current_exe()?)
            .arg("--checkout")
            .arg(layout.checkout())
            .arg("--dir")
            .arg(layout.root())
            .arg("guard")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .context("cannot start the guard")?;
        Ok(Self(child))
    }

    /// Lets the guard go, after everything is stopped.
    pub async fn dismiss(mut self) {
        drop(self.0.stdin.take());
        self.0.wait().await.ok();
    }
}

/// The guard's life.
///
/// # Errors
/// If its lock cannot be had.
pub async fn watch(layout: &Layout) -> anyhow::Result<()> {
    let Some(_lock) = Lock::guard(layout)? else { return Ok(()) };
    // Nothing else is to be done until then, so a blocking read will do.
    std::io::stdin().read_to_end(&mut Vec::new()).ok();
    sweep(layout, Patience::Full).await;
    Ok(())
}
