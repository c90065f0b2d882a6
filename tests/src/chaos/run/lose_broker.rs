//! The broker's data folder is deleted while submissions are in flight, and they are published again from the database.

use std::{convert::Infallible, time::Duration};

use anyhow::{Context as _, ensure};
use frontdesk::{local::services::program, output};
use nix::sys::signal::Signal;
use testkit::wait;

use super::{
    super::{look, senders::Flight},
    Running,
};

/// How long each step may take.
const PATIENCE: Duration = Duration::from_secs(120);

impl Running<'_> {
    /// Stops the last stage at once and the second one half-way, so that submissions pile up before both.
    pub(super) async fn pile_up(&self, flight: &Flight) -> anyhow::Result<Infallible> {
        self.signal("notification", Signal::SIGSTOP)?;
        while flight.accepted() < self.trial.submissions / 2 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        self.signal("eligibility", Signal::SIGSTOP)?;
        std::future::pending().await
    }

    fn signal(&self, name: &str, signal: Signal) -> anyhow::Result<()> {
        let process = self.supervisor.process(name).with_context(|| format!("{name} has no process"))?;
        process.signal(signal);
        Ok(())
    }

    /// Waits until all accepted submissions are admitted, kills the broker, deletes what it had, starts it empty, and runs
    /// `frontdesk recover`.
    pub(super) async fn lose_broker(&self, accepted: u64) -> anyhow::Result<()> {
        wait::until(PATIENCE, || async { self.admitted().await.is_ok_and(|admitted| admitted >= accepted) })
            .await
            .context("not everything that was accepted was admitted")?;
        let waiting = self.in_flight().await?;
        ensure!(waiting > 0, "nothing was in flight when the broker was to be lost");
        self.supervisor.hold("broker");
        let node = self.supervisor.process("broker").context("the broker has no process")?;
        node.signal(Signal::SIGKILL);
        ensure!(node.gone_within(PATIENCE).await, "the broker does not die");
        let data = self.stack.broker_data().context("the broker is not a private one")?;
        std::fs::remove_dir_all(data).context("the broker's data")?;
        self.supervisor.release("broker");
        self.stack.restore_broker().await?;
        for stopped in ["eligibility", "notification"] {
            self.signal(stopped, Signal::SIGCONT)?;
        }
        output::line(&format!("the broker lost its data, with {waiting} submissions in flight"));
        self.recover().await
    }

    async fn recover(&self) -> anyhow::Result<()> {
        let done = tokio::process::Command::new(program("frontdesk")?)
            .arg("--checkout")
            .arg(self.layout.checkout())
            .arg("--dir")
            .arg(self.layout.root())
            .arg("recover")
            .stdin(std::process::Stdio::null())
            .output()
            .await?;
        output::result(&String::from_utf8_lossy(&done.stdout))?;
        ensure!(done.status.success(), "frontdesk recover: {}", String::from_utf8_lossy(&done.stderr));
        Ok(())
    }

    async fn admitted(&self) -> anyhow::Result<u64> {
        self.count("SELECT count(*) FROM submission WHERE NOT copy").await
    }

    async fn in_flight(&self) -> anyhow::Result<u64> {
        self.count("SELECT count(*) FROM submission WHERE state = 'in_flight'").await
    }

    async fn count(&self, sql: &str) -> anyhow::Result<u64> {
        let [count] = look::counts(&self.database, sql).await?;
        Ok(count)
    }
}
