//! A backend that runs for as long as one test does.

use std::{io, time::Duration};

use nix::sys::signal::Signal;
use tokio::process::Child;

use super::{Broker, Postgres, Ready};
use crate::{
    process::{ProcessId, Program},
    wait,
};

/// A program that is up. Dropped, it is killed.
pub struct Running {
    process: ProcessId,
    child: Child,
    program: Program,
}

impl Running {
    /// Starts it, and again if it ends, as the supervisor does: a postmaster refuses while the backends of a killed one are still going.
    ///
    /// # Errors
    /// If it is not ready in time, with its output.
    pub async fn start(program: Program, sign: Ready) -> io::Result<Self> {
        let ready = wait::until_some(Duration::from_secs(90), || async {
            let child = program.spawn().ok()?;
            let process = child.id().and_then(ProcessId::of)?;
            let mut running = Self { process, child, program: program.clone() };
            let ready = wait::until(Duration::from_secs(60), || sign.look());
            let ready = tokio::select! {
                ready = ready => ready.is_ok(),
                _ = running.child.wait() => false,
            };
            ready.then_some(running)
        });
        let log = || std::fs::read_to_string(program.log()).unwrap_or_default();
        ready.await.map_err(|_| io::Error::other(log()))
    }

    /// Starts a broker: its port mapper, to be kept as long as the node, and the node.
    ///
    /// # Errors
    /// As [`Self::start`], and if its files cannot be written.
    pub async fn broker(broker: &Broker) -> io::Result<(Self, Self)> {
        broker.prepare().map_err(io::Error::other)?;
        let mapper = Self::start(broker.port_mapper(), broker.port_mapper_ready()).await?;
        Ok((mapper, Self::start(broker.node(), broker.node_ready()).await?))
    }

    /// Makes a cluster, starts it and makes its database.
    ///
    /// # Errors
    /// As [`Self::start`], and if the cluster or the database cannot be made.
    pub async fn postgres(postgres: &Postgres) -> io::Result<Self> {
        postgres.prepare().await.map_err(io::Error::other)?;
        let server = Self::start(postgres.server(), postgres.ready()).await?;
        postgres.create_database().await.map_err(io::Error::other)?;
        Ok(server)
    }

    /// Sends a signal, and waits until it is gone. Gives whether that was within its grace.
    ///
    /// # Errors
    /// If it cannot be waited for.
    pub async fn stop(mut self, signal: Signal) -> io::Result<bool> {
        let (gone, status) = tokio::join!(self.process.stop(signal, self.program.grace), self.child.wait());
        status.map(|_| gone)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Of a test that failed, or does not care.
        self.process.signal(Signal::SIGKILL);
    }
}
