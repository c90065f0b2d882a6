//! The ideal forwarder: consumes, publishes with confirm, acknowledges, and does nothing else. What a stage could be at best.

use std::collections::VecDeque;

use anyhow::Context as _;
use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture};
use lapin::{
    Channel,
    message::Delivery,
    options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions},
    types::FieldTable,
};

use super::wire::{Outgoing, confirming, connect, launch};

/// Messages in hand at once: more gains nothing.
const WINDOW: usize = 512;

type Flights = VecDeque<(u64, BoxFuture<'static, anyhow::Result<()>>)>;

/// Forwards from one queue to another for as long as the connection lasts.
///
/// # Errors
/// When it does not any more, or the broker does not take a message.
pub async fn forward(url: &str, from: &str, to: &str) -> anyhow::Result<()> {
    let connection = connect(url, "forward").await?;
    let (incoming, outgoing) = (connection.create_channel().await?, confirming(&connection).await?);
    incoming.basic_qos(u16::try_from(WINDOW)?, BasicQosOptions::default()).await?;
    let (options, arguments) = (BasicConsumeOptions::default(), FieldTable::default());
    let mut consumer = incoming.basic_consume(from.into(), "".into(), options, arguments).await?;
    let mut flights = Flights::new();
    loop {
        tokio::select! {
            biased;
            tag = head(&mut flights), if !flights.is_empty() => settle(&incoming, tag?, &mut flights)?,
            delivery = consumer.next(), if flights.len() < WINDOW => {
                take(delivery, &outgoing, to, &mut flights)?;
                // Whatever is here already, before anything is waited for.
                while flights.len() < WINDOW && let Some(delivery) = consumer.next().now_or_never() {
                    take(delivery, &outgoing, to, &mut flights)?;
                }
            }
        }
    }
}

fn take(
    delivery: Option<lapin::Result<Delivery>>,
    outgoing: &Channel,
    to: &str,
    flights: &mut Flights,
) -> anyhow::Result<()> {
    let Delivery { delivery_tag, properties, data, .. } =
        delivery.context("the consumer was cancelled")??;
    let message = Outgoing { exchange: String::new(), key: to.to_owned(), properties, body: data };
    flights.push_back((delivery_tag, launch(outgoing, message)));
    Ok(())
}

/// The tag of the oldest one, once it is confirmed.
async fn head(flights: &mut Flights) -> anyhow::Result<u64> {
    let (tag, flight) = flights.front_mut().context("nothing is under way")?;
    flight.await?;
    let tag = *tag;
    flights.pop_front();
    Ok(tag)
}

/// One acknowledgement for all that are confirmed by now.
fn settle(incoming: &Channel, mut tag: u64, flights: &mut Flights) -> anyhow::Result<()> {
    while !flights.is_empty()
        && let Some(next) = head(flights).now_or_never()
    {
        tag = next?;
    }
    // Polled once, the frame is on its way.
    match incoming.basic_ack(tag, BasicAckOptions { multiple: true }).now_or_never() {
        Some(Err(error)) => Err(error.into()),
        _ => Ok(()),
    }
}
