//! The limit: a chain of quorum queues, a process that only forwards between each two, and someone at its end who only acknowledges.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use frontdesk::local::{Layout, endpoints::Server, services::program};
use futures_util::{FutureExt as _, StreamExt as _};
use lapin::{
    BasicProperties, Channel, Connection,
    options::{
        BasicAckOptions, BasicConsumeOptions, BasicQosOptions, QueueDeclareOptions, QueueDeleteOptions,
    },
    types::{AMQPValue, FieldTable},
};
use nix::sys::signal::Signal;
use testkit::process::{ProcessId, Program};
use tokio::time::{Instant, timeout};

use super::{
    figures::Latencies,
    wire::{Outgoing, confirming, connect, feed},
};
use crate::PATIENCE;

/// Bytes of a message: about those of a sealed intake.
const BODY: usize = 2048;

/// One measurement.
pub struct Measured {
    /// From the first publish to the last message's end.
    pub took: Duration,
    /// From when each message was due to its end.
    pub latencies: Latencies,
}

/// A chain over so many queues.
pub struct Chain {
    url: String,
    connection: Connection,
    queues: Vec<String>,
    forwarders: Vec<(tokio::process::Child, ProcessId)>,
}

impl Chain {
    /// Declares the queues, and starts a forwarder between each two.
    ///
    /// # Errors
    /// If the broker or the machine does not let us.
    pub async fn start(layout: &Layout, broker: &Server, hops: usize) -> anyhow::Result<Self> {
        let url = broker.url()?;
        let connection = connect(&url, "bench").await?;
        let channel = connection.create_channel().await?;
        let queues: Vec<String> = (1..=hops).map(|hop| format!("bench.{hop}")).collect();
        for queue in &queues {
            let quorum = AMQPValue::LongString("quorum".into());
            let arguments =
                FieldTable::from(std::collections::BTreeMap::from([("x-queue-type".into(), quorum)]));
            let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
            channel.queue_declare(queue.as_str().into(), options, arguments).await?;
        }
        let mut forwarders = Vec::new();
        for (from, to) in queues.iter().zip(queues.iter().skip(1)) {
            let program =
                Program::new(program("forward")?, layout.logs().join(format!("forward-{from}.log")))
                    .arg(&broker.url_file)
                    .args([from, to]);
            let child = program.spawn()?;
            let id = child.id().and_then(ProcessId::of).context("a forwarder ended at once")?;
            forwarders.push((child, id));
        }
        Ok(Self { url, connection, queues, forwarders })
    }

    /// Sends so many messages through it, as fast as they go or so many a second.
    ///
    /// # Errors
    /// If one is lost, doubled or late beyond all patience.
    pub async fn measure(&self, count: u32, a_second: Option<f64>) -> anyhow::Result<Measured> {
        let source = connect(&self.url, "bench-source").await?;
        let outgoing = confirming(&source).await?;
        let sink = self.connection.create_channel().await?;
        let first = self.queues.first().context("a chain without a queue")?;
        let last = self.queues.last().context("a chain without a queue")?;
        let begin = Instant::now();
        let make = |number: u32, due: Instant| {
            let mut body = vec![0; BODY];
            let due = u64::try_from(due.duration_since(begin).as_nanos())?;
            body[..8].copy_from_slice(&due.to_le_bytes());
            body[8..12].copy_from_slice(&number.to_le_bytes());
            let properties = BasicProperties::default().with_delivery_mode(2);
            Ok(Outgoing { exchange: String::new(), key: first.clone(), properties, body })
        };
        let (fed, latencies) =
            tokio::join!(feed(&outgoing, count, a_second, make), drain(&sink, last, count, begin));
        fed?;
        let (took, latencies) = latencies?;
        sink.close(200, "done".into()).await?;
        source.close(200, "done".into()).await?;
        Ok(Measured { took, latencies })
    }

    /// Stops the forwarders and deletes the queues.
    ///
    /// # Errors
    /// If the broker does not delete them.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        for (child, id) in &mut self.forwarders {
            let (gone, _) = tokio::join!(id.stop(Signal::SIGTERM, Duration::from_secs(5)), child.wait());
            ensure!(gone, "a forwarder does not end");
        }
        let channel = self.connection.create_channel().await?;
        for queue in &self.queues {
            channel.queue_delete(queue.as_str().into(), QueueDeleteOptions::default()).await?;
        }
        Ok(self.connection.close(200, "done".into()).await?)
    }
}

/// Takes all of them at the end of the chain.
async fn drain(
    channel: &Channel,
    queue: &str,
    count: u32,
    begin: Instant,
) -> anyhow::Result<(Duration, Latencies)> {
    channel.basic_qos(512, BasicQosOptions::default()).await?;
    let (options, arguments) = (BasicConsumeOptions::default(), FieldTable::default());
    let mut consumer = channel.basic_consume(queue.into(), "".into(), options, arguments).await?;
    let mut seen = vec![false; usize::try_from(count)?];
    let mut took = Vec::with_capacity(seen.len());
    while took.len() < seen.len() {
        let next = timeout(PATIENCE, consumer.next()).await.context("a message is lost")?;
        let mut delivery = next.context("the consumer was cancelled")??;
        loop {
            let (due, number) = delivery.data.get(..12).context("a message is cut")?.split_at(8);
            let due = Duration::from_nanos(u64::from_le_bytes(due.try_into()?));
            let place = usize::try_from(u32::from_le_bytes(number.try_into()?))?;
            let seen = seen.get_mut(place).context("a message of somebody else's")?;
            ensure!(!std::mem::replace(seen, true), "a message came twice");
            took.push(begin.elapsed().saturating_sub(due));
            match consumer.next().now_or_never() {
                Some(next) => delivery = next.context("the consumer was cancelled")??,
                None => break,
            }
        }
        let all = BasicAckOptions { multiple: true };
        if let Some(Err(error)) = channel.basic_ack(delivery.delivery_tag, all).now_or_never() {
            return Err(error.into());
        }
    }
    Ok((begin.elapsed(), Latencies::of(took)))
}
