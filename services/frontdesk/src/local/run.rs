//! One run from lock to last process: whatever ends it, nothing is left running.

use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{
    Layout,
    guard::Guard,
    lock::Lock,
    records::{Records, Runner},
    supervisor::Supervisor,
    sweep::{Patience, sweep},
};
use crate::output;

/// Does `body` as the folder's only runner, and then stops every process that it started: also when it fails, panics, is
/// interrupted (Ctrl-C, SIGTERM, SIGHUP) or, by the guard, when this process is killed.
///
/// # Errors
/// The body's, or that it was interrupted.
pub async fn run<T>(
    layout: &Layout,
    body: impl AsyncFnOnce(&Supervisor) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    layout.make().with_context(|| format!("cannot write in {}", layout.root().display()))?;
    let mut signals = Signals::listen()?;
    let _lock = Lock::runner(layout).await?;
    let left = sweep(layout, Patience::Full).await;
    if !left.is_empty() {
        output::line(&format!("stopped what the last run left: {}", left.join(", ")));
    }
    forget_endpoints(layout)?;
    let guard = Guard::start(layout)?;
    Runner::write(layout, false)?;
    let supervisor = Supervisor::new(layout)?;
    let result = tokio::select! {
        result = body(&supervisor) => result,
        name = signals.next() => {
            output::line(&format!("{name}: stopping everything (again: at once)"));
            Err(Interrupted.into())
        }
    };
    tokio::select! {
        () = supervisor.stop() => sweep(layout, Patience::Full).await,
        () = signals.again() => {
            output::line("killing what still runs");
            supervisor.abandon();
            sweep(layout, Patience::None).await
        }
    };
    Records::empty(layout)?;
    forget_endpoints(layout)?;
    guard.dismiss().await;
    result
}

/// Nobody is to be sent to the ports of a run that is over.
fn forget_endpoints(layout: &Layout) -> std::io::Result<()> {
    match std::fs::remove_file(layout.endpoints()) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A person, or the machine, asked for the end.
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
pub struct Interrupted;

/// The signals that ask for the end.
struct Signals(Signal, Signal, Signal);

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self(
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
            signal(SignalKind::hangup())?,
        ))
    }

    /// A second signal; one that comes with the first, from a program that sends it to a whole group, does not count.
    async fn again(&mut self) {
        tokio::time::timeout(Duration::from_secs(1), async {
            loop {
                self.next().await;
            }
        })
        .await
        .unwrap_or(());
        self.next().await;
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.0.recv() => "interrupted",
            _ = self.1.recv() => "asked to end",
            _ = self.2.recv() => "the terminal is gone",
        }
    }
}

/// Stops the folder's run from outside, and whatever is left of one.
///
/// # Errors
/// If the runner does not end.
pub async fn stop(layout: &Layout) -> anyhow::Result<Vec<String>> {
    layout.make()?;
    let mut stopped = Vec::new();
    if Lock::is_running(layout)? {
        let runner = Runner::read(layout).filter(|runner| runner.process.is_running());
        let Some(runner) = runner else {
            bail!("a runner holds {}, but did not say which process it is", layout.root().display())
        };
        runner.process.signal(nix::sys::signal::Signal::SIGTERM);
        // It gives every process its own time, in tiers.
        if !runner.process.gone_within(Duration::from_secs(150)).await {
            bail!("the runner (process {}) does not end", runner.process.pid);
        }
        stopped.push("the runner".to_owned());
    }
    let _lock = Lock::runner(layout).await?;
    stopped.extend(sweep(layout, Patience::Full).await);
    Records::empty(layout)?;
    forget_endpoints(layout)?;
    Ok(stopped)
}
