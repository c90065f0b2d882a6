//! Publishing: persistent, mandatory, confirmed, with so many in flight that the broker is never waited for.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use lapin::{
    BasicProperties, Channel, Confirmation, Connection, ConnectionProperties,
    options::{BasicPublishOptions, ConfirmSelectOptions},
};
use tokio::time::{Instant, sleep_until};

/// Publishes whose confirms are waited for at once.
pub const WINDOW: usize = 1024;

/// A message as it is published.
pub struct Outgoing {
    /// To which exchange.
    pub exchange: String,
    /// Under which key.
    pub key: String,
    /// With which properties.
    pub properties: BasicProperties,
    /// And which body.
    pub body: Vec<u8>,
}

/// A connection.
///
/// # Errors
/// If there is none to be had.
pub async fn connect(url: &str, name: &str) -> anyhow::Result<Connection> {
    let properties = ConnectionProperties::default().with_connection_name(name.into());
    // The error may quote the URL with its password.
    Connection::connect(url, properties).await.ok().context("the broker does not take a connection")
}

/// A channel on which publishes are confirmed.
///
/// # Errors
/// If the broker refuses it.
pub async fn confirming(connection: &Connection) -> anyhow::Result<Channel> {
    let channel = connection.create_channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    Ok(channel)
}

/// A publish on its way, its frame queued: the fate is to be awaited.
pub fn launch(channel: &Channel, message: Outgoing) -> BoxFuture<'static, anyhow::Result<()>> {
    let channel = channel.clone();
    let mut flight = async move {
        let Outgoing { exchange, key, properties, body } = message;
        let mandatory = BasicPublishOptions { mandatory: true, immediate: false };
        let confirm =
            channel.basic_publish(exchange.into(), key.into(), mandatory, &body, properties).await?;
        // An acknowledgement that brings the message back says that no queue took it.
        ensure!(matches!(confirm.await?, Confirmation::Ack(None)), "a message was not taken");
        Ok(())
    }
    .boxed();
    match (&mut flight).now_or_never() {
        Some(done) => std::future::ready(done).boxed(),
        None => flight,
    }
}

/// Publishes what `make` makes of each number below `count`, as fast as the broker confirms, or so many a second. `make` is told when the message is
/// due: whoever is late owes the delay to whoever measures.
///
/// # Errors
/// If a message is not taken.
pub async fn feed(
    channel: &Channel,
    count: u32,
    a_second: Option<f64>,
    mut make: impl FnMut(u32, Instant) -> anyhow::Result<Outgoing>,
) -> anyhow::Result<()> {
    let begin = Instant::now();
    let mut flights = FuturesUnordered::new();
    for number in 0..count {
        let due = match a_second {
            Some(rate) => begin + Duration::from_secs_f64(f64::from(number) / rate),
            None => Instant::now(),
        };
        while flights.len() >= WINDOW || Instant::now() < due {
            tokio::select! {
                Some(done) = flights.next(), if !flights.is_empty() => done?,
                () = sleep_until(due), if flights.len() < WINDOW => {}
            }
        }
        flights.push(launch(channel, make(number, due)?));
    }
    while let Some(done) = flights.next().await {
        done?;
    }
    Ok(())
}
