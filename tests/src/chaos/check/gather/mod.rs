//! Collecting the facts. Large lists are read row by row, so that only what is judged stays in memory.

mod broker;
mod ledger;
mod sandbox;

use super::facts::Facts;
use crate::chaos::senders::Tally;

/// Where to look. All of it directly, past any fault proxy.
#[derive(Clone)]
pub struct Sources {
    /// `postgres://…`, with a role that may read every table.
    pub database_url: String,
    /// The sandbox's control API, `…/_sandbox`.
    pub control_url: String,
    /// The broker's management API with user and password, such as `http://user:pass@127.0.0.1:15672`.
    pub management_url: String,
    /// The virtual host.
    pub vhost: String,
}

/// Collects everything, after the last fault is healed and the line has drained.
///
/// # Errors
/// If one of them cannot be asked, or answers what is not understood.
pub async fn gather(sources: &Sources, tally: Tally) -> anyhow::Result<Facts> {
    // The queues first: what they still hold goes on to change the rest.
    let (queues, mut dead) = broker::read(&sources.management_url, &sources.vhost).await?;
    // One that is collected meanwhile is seen twice, rather than not at all.
    let (ledger, collected) = ledger::read(&sources.database_url).await?;
    dead.extend(collected);
    let (ehr, writes, messages) = sandbox::read(&sources.control_url).await?;
    Ok(Facts { tally, ledger, ehr, writes, messages, queues, dead })
}
