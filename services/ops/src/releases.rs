//! What people let go on is published again: committed first, then confirmed and routed, and only then marked. Whatever a crash leaves
//! between is published at the next start, or once more, which the line takes for a redelivery.

use std::{collections::BTreeSet, time::Duration};

use domain::ClinicId;
use ledger::{Store, holds::Release};
use runtime::{
    Boot, ConfigError,
    again::{Again, NotAgain, Original},
    amqp::PublishError,
    telemetry,
};
use tokio::sync::Notify;
use tracing::Instrument as _;

/// The name on messages.
pub(crate) const APP: &str = "ops";
/// Originals that are read at once.
const PAGE: u32 = 50;
/// How often it is looked for what another process, or an earlier one, has left.
const EVERY: Duration = Duration::from_secs(5);

/// Publishes what is decided: at once when it is told, at the start, and every few seconds, until the process is asked to stop.
///
/// # Errors
/// [`ConfigError`] without a usable `[amqp]` section.
pub async fn run(boot: &Boot, store: &Store, decided: &Notify) -> Result<(), ConfigError> {
    let again = Again::new(boot.publisher().await?, APP, boot.clock());
    let stop = boot.shutdown().soft();
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = all(store, &again) => {}
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = decided.notified() => {}
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

/// Everything that waits, oldest first, once. What cannot be done now is left for the next time; a clinic whose queue the broker does not add to
/// keeps no other back.
async fn all(store: &Store, again: &Again) {
    let mut after = 0;
    let mut full: BTreeSet<ClinicId> = BTreeSet::new();
    // The store says itself that it is down.
    while let Ok(page) = store.releases(after, PAGE).await {
        let Some(last) = page.last() else { return };
        after = last.decision;
        for one in page {
            if full.contains(&one.clinic) {
                continue;
            }
            let clinic = one.clinic.clone();
            match publish(store, again, one).await {
                Went::On => {}
                Went::Full => {
                    full.insert(clinic);
                }
                Went::Away => return,
            }
        }
    }
}

/// How it went.
enum Went {
    /// The next one.
    On,
    /// Its queue takes nothing now.
    Full,
    /// The broker or the store is away.
    Away,
}

async fn publish(store: &Store, again: &Again, release: Release) -> Went {
    let span =
        telemetry::resume("release hold", release.thread.trace_id.as_deref(), release.thread.correlation);
    go_on(store, again, release).instrument(span).await
}

async fn go_on(store: &Store, again: &Again, release: Release) -> Went {
    let Release { decision, admission, clinic, message, thread, original } = release;
    let original =
        original.and_then(|body| Original::new(clinic, message, thread.correlation, thread.trace_id, body));
    let Some(original) = original else {
        // It was there when it was decided. A person finds it in flight, and `recover` names it.
        tracing::error!(frontdesk.admission = %admission, "hold.no_original");
        return Went::On;
    };
    if let Err(error) = again.publish(original).await {
        tracing::warn!(frontdesk.admission = %admission, %error, "hold.not_released");
        // One that the broker has no place for keeps no other back.
        return match error {
            NotAgain::Publish(PublishError::Returned | PublishError::Unsendable) => Went::On,
            NotAgain::Publish(PublishError::Nacked) => Went::Full,
            NotAgain::Publish(PublishError::Lost | PublishError::Down) | NotAgain::Away => Went::Away,
        };
    }
    tracing::info!(frontdesk.admission = %admission, "hold.released");
    if store.released(decision).await.is_ok() { Went::On } else { Went::Away }
}
