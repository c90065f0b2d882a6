//! The senders: honest clients of both doors, over connections that may be cut at any time.
//!
//! What is not confirmed counts as not sent, and is sent again under the same name until it is accepted. What is accepted
//! goes into the senders' own list, which is what the line is held to in the end.

mod amqp;
mod courier;
mod flight;
mod gateway;
mod tally;

use std::{path::PathBuf, sync::Arc, time::Duration};

use frontdesk::local::endpoints::Gateway;
use tokio::{
    sync::Semaphore,
    task::JoinSet,
    time::{Instant, sleep_until, timeout_at},
};

pub use flight::Flight;
pub use tally::{Poisoned, Tally};

use super::people::Dispatch;
use courier::Courier;

/// Where to send.
pub struct Doors {
    /// The file with the broker's URL, user and password included; it may lead through a fault proxy.
    pub amqp_url_file: PathBuf,
    /// Connections to the broker, at least one.
    pub connections: usize,
    /// The gateway; its URL may lead through a fault proxy.
    pub gateway: Gateway,
}

/// How fast, and how long.
pub struct Pace {
    /// Dispatches a second, at most; as fast as the other bounds allow if there is none.
    pub a_second: Option<f64>,
    /// Submissions that may be on their way at once, from their sending to their end in the ledger: see [`Flight::settled`].
    pub unsettled: u64,
    /// Dispatches in hand at once.
    pub at_once: usize,
    /// Nothing new is begun after this.
    pub deadline: Instant,
    /// How long after the deadline what is in hand is still tried.
    pub grace: Duration,
}

/// Sends the plan until its end or the deadline, and gives the list of what became of it.
///
/// # Errors
/// If a door cannot be used at all: a wrong URL, a missing secret.
pub async fn send(
    plan: impl Iterator<Item = Dispatch> + Send,
    doors: &Doors,
    pace: &Pace,
    flight: &Arc<Flight>,
) -> anyhow::Result<Tally> {
    let courier = Arc::new(Courier::open(doors, pace.deadline + pace.grace).await?);
    let places = Arc::new(Semaphore::new(pace.at_once.max(1)));
    let gap = pace.a_second.filter(|rate| *rate > 0.0).map(|rate| Duration::from_secs_f64(1.0 / rate));
    let (mut tasks, mut tally, mut next) = (JoinSet::new(), Tally::default(), Instant::now());
    for dispatch in plan {
        if let Some(gap) = gap {
            sleep_until(next.min(pace.deadline)).await;
            // After a pause the senders do not make up for it.
            next = next.max(Instant::now()) + gap;
        }
        if !flight.room(pace.unsettled, pace.deadline).await {
            break;
        }
        let Ok(Ok(place)) = timeout_at(pace.deadline, Arc::clone(&places).acquire_owned()).await else {
            break;
        };
        let (courier, flight) = (Arc::clone(&courier), Arc::clone(flight));
        flight.begin(&dispatch);
        tasks.spawn(async move {
            let fates = courier.deliver(dispatch).await;
            flight.note(&fates);
            drop(place);
            fates
        });
        while let Some(done) = tasks.try_join_next() {
            tally.add(done?);
        }
    }
    while let Some(done) = tasks.join_next().await {
        tally.add(done?);
    }
    courier.close().await;
    Ok(tally)
}
