//! Steps that are repeated in place until they are done, or until there is no point any more.

use std::time::Duration;

use domain::hop::Hop;
use tokio_util::sync::CancellationToken;

use crate::{
    amqp::{Pace, Properties, PublishError},
    stage::case::{Case, Core},
};

const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// A second at most with its jitter: what waited for an outage's end is not to wait much longer. The attempts of all deliveries
/// in hand share one transaction or one window, so that so many a second are no load.
const LONGEST_PAUSE: Duration = Duration::from_millis(700);

/// Why a step was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stuck {
    /// The broker refused or returned the message.
    Refused,
    /// The delivery is no longer ours, or the process stops.
    Gone,
}

/// Commits a journal row. A store that is down is waited for.
pub(super) async fn append(core: &Core, case: &Case, hop: Hop) -> Result<(), Stuck> {
    let mut pace = Pace::new(FIRST_PAUSE, LONGEST_PAUSE);
    while core.log.append(hop.clone()).await.is_err() {
        core.metrics.store_retries.add_one();
        pause(&mut pace, &case.lost, &core.stop).await?;
    }
    Ok(())
}

/// Publishes to a queue of our own keeping (wait, dead letters): nothing but success is good enough.
pub(super) async fn publish(
    core: &Core,
    case: &Case,
    exchange: &str,
    key: &str,
    properties: Properties,
    body: Vec<u8>,
) -> Result<(), Stuck> {
    let mut pace = Pace::new(FIRST_PAUSE, LONGEST_PAUSE);
    while let Err(error) = core.publisher.publish(exchange, key, properties.clone(), body.clone()).await {
        tracing::warn!(messaging.destination.name = exchange, %error, "publish.failed");
        pause(&mut pace, &case.lost, &core.stop).await?;
    }
    Ok(())
}

/// Publishes onward. A lost confirm is repeated; a refusal is for the caller to decide about.
pub(super) async fn hand_on(
    core: &Core,
    case: &Case,
    exchange: &str,
    key: &str,
    properties: Properties,
    body: Vec<u8>,
) -> Result<(), Stuck> {
    let mut pace = Pace::new(FIRST_PAUSE, LONGEST_PAUSE);
    loop {
        match core.publisher.publish(exchange, key, properties.clone(), body.clone()).await {
            Ok(()) => return Ok(()),
            Err(PublishError::Returned | PublishError::Nacked | PublishError::Unsendable) => {
                return Err(Stuck::Refused);
            }
            Err(PublishError::Lost | PublishError::Down) => pause(&mut pace, &case.lost, &core.stop).await?,
        }
    }
}

async fn pause(pace: &mut Pace, lost: &CancellationToken, stop: &CancellationToken) -> Result<(), Stuck> {
    tokio::select! {
        () = tokio::time::sleep(pace.step()) => Ok(()),
        () = lost.cancelled() => Err(Stuck::Gone),
        () = stop.cancelled() => Err(Stuck::Gone),
    }
}
