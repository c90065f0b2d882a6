//! Running a stage: all of its lanes, until the process is asked to stop.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use domain::{
    ids::ProcessId,
    ports::{RetryLimits, StageLog, SwitchBoard},
};
use futures_util::future::join_all;

use super::{
    Handler, Input,
    alone::Room,
    breaker::Breakers,
    case::Core,
    check,
    lane::Lane,
    pauses::{Pauses, Waits},
    report,
    retry::RetryPolicy,
};
use crate::{Boot, ConfigError};

/// Why a stage could not run.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The broker lacks something that the stage needs.
    #[error("the broker lacks {}; run `frontdesk topology apply`", .0.join(", "))]
    Missing(Vec<String>),
}

/// Runs a stage until the process is asked to stop. A lost connection or database does not end it. `limits` says how often and how long
/// each clinic wants what failed to be tried again; where it says nothing, `[retry]` does.
///
/// # Errors
/// [`StageError`], before anything is consumed.
pub async fn run_stage<H: Handler>(
    boot: &Boot,
    handler: H,
    log: Arc<dyn StageLog>,
    switches: Arc<dyn SwitchBoard>,
    limits: Arc<dyn RetryLimits>,
) -> Result<(), StageError> {
    let lanes = boot.lanes().to_vec();
    let keys = boot.keys()?;
    let publisher = boot.publisher().await?;
    let stop = boot.shutdown().soft().clone();
    let needs = check::needs(H::STAGE, lanes.iter().map(|lane| &lane.name));
    let missing = tokio::select! {
        missing = check::missing(publisher.link(), &needs) => missing,
        () = stop.cancelled() => return Ok(()),
    };
    // A link that was stopped means that the process stops.
    let Ok(missing) = missing else { return Ok(()) };
    if !missing.is_empty() {
        return Err(StageError::Missing(missing));
    }
    let core = Arc::new(Core {
        stage: H::STAGE,
        app: boot.name(),
        publisher,
        log: log.clone(),
        keys,
        follower: boot.follower(),
        clock: boot.clock(),
        retry: RetryPolicy::new(boot.retry().clone(), limits),
        breakers: Arc::new(Breakers::new(boot.metrics().clone())),
        // Until the end: what is begun last obeys, too.
        pauses: Pauses::follow(switches, boot.shutdown().hard().clone()).await,
        metrics: boot.metrics().clone(),
        max_body: boot.stage().max_body,
        clear_schema: H::Input::CLEAR,
        process: ProcessId::from_uuid(boot.clock().fresh_id()),
        waits: Waits::default(),
        room: Room::default(),
        stop,
    });
    lanes.iter().for_each(|lane| core.metrics.appear(&lane.name));
    let reporting = tokio::spawn(report::breakers(core.clone()));
    boot.health().add("store", move || log.ready());
    let handler = Arc::new(handler);
    let consumers = lanes.into_iter().map(|lane| {
        let working = watched(boot);
        Lane::new(core.clone(), handler.clone(), lane, boot.shutdown().hard().clone(), working).run()
    });
    join_all(consumers).await;
    if core.stop.is_cancelled() {
        // Its last word.
        let _ = reporting.await;
    } else {
        reporting.abort();
    }
    Ok(())
}

/// A flag that readiness looks at.
fn watched(boot: &Boot) -> Arc<AtomicBool> {
    let working = Arc::new(AtomicBool::new(false));
    let seen = working.clone();
    boot.health().add("consuming", move || {
        let seen = seen.load(Ordering::Relaxed);
        Box::pin(async move { seen })
    });
    working
}
