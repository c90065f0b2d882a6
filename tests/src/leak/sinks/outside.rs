//! What others may fetch: metrics.

use anyhow::Context as _;

use super::{Sink, Written};
use crate::leak::world::World;

/// Every metrics endpoint of the line, the broker's by object as well, and these.
pub(super) async fn metrics(world: &World<'_>, more: &[String]) -> anyhow::Result<Vec<Written>> {
    let endpoints = &world.stack.endpoints;
    let broker = endpoints.broker_metrics.iter().flat_map(|url| [url.clone(), format!("{url}/per-object")]);
    let own = endpoints.services.values().map(|service| service.metrics.clone());
    let mut all = Vec::new();
    for url in own.chain(broker).chain(more.iter().cloned()) {
        let answer = world.http.get(&url).send().await.with_context(|| format!("{url} does not answer"))?;
        all.push(Written::bytes(Sink::Metrics, url, answer.error_for_status()?.bytes().await?.to_vec()));
    }
    Ok(all)
}
