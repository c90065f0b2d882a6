//! Shutdown in two steps: soft (finish what is in hand) and hard (let go of it).

use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The two tokens. Hard implies soft.
#[derive(Debug, Clone)]
pub struct Shutdown {
    soft: CancellationToken,
    hard: CancellationToken,
}

impl Default for Shutdown {
    fn default() -> Self {
        let hard = CancellationToken::new();
        Self { soft: hard.child_token(), hard }
    }
}

impl Shutdown {
    /// Cancelled when no new work is to be taken.
    pub const fn soft(&self) -> &CancellationToken {
        &self.soft
    }

    /// Cancelled when work in hand is to be let go.
    pub const fn hard(&self) -> &CancellationToken {
        &self.hard
    }
}

/// First signal: soft. Second signal, or the deadline after the first: hard.
pub(super) fn on_signals(shutdown: Shutdown, deadline: Duration) -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        either(&mut terminate, &mut interrupt).await;
        tracing::info!(frontdesk.deadline_s = deadline.as_secs(), "shutdown.requested");
        shutdown.soft.cancel();
        if tokio::time::timeout(deadline, either(&mut terminate, &mut interrupt)).await.is_err() {
            tracing::warn!("shutdown.deadline");
        }
        shutdown.hard.cancel();
    });
    Ok(())
}

async fn either(one: &mut Signal, other: &mut Signal) {
    tokio::select! {
        _ = one.recv() => {}
        _ = other.recv() => {}
    }
}
