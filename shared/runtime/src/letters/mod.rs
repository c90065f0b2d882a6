//! The dead letters of all stages and lanes, from the broker's queues to where they are kept: committed, then acknowledged.
//!
//! A letter that is not kept stays on the broker. While the store is down so many of each queue as the prefetch lets through are in hand, and
//! are tried again; whatever is lost with a connection, or left at a stop, comes again, and is kept once.

mod read;
mod replay;

use std::{sync::Arc, time::Duration};

use domain::{LaneName, MessageId, Stage, clock::Clock, ports::LetterBox, seal::Keyring};
use futures_util::{StreamExt, future::join_all, stream::FuturesUnordered};
use lapin::{
    Channel, Consumer,
    message::Delivery,
    options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions},
    types::FieldTable,
};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

pub use replay::Replays;

use crate::{
    Boot, ConfigError,
    amqp::{Link, Pace, Session},
    telemetry::{self, Metrics, spans},
    topology::Lanes,
};

/// Letters of one queue in hand. Few: each may be as large as the broker lets a message be.
const PREFETCH: u16 = 8;
/// Pauses between tries: nobody waits for a dead letter.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How long the broker may take to hear that a channel is done.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Collects from the dead-letter queue of every stage in every lane of `[lanes]`, until the process is asked to stop. A lost connection, a
/// queue that is not there and a store that is down are waited for. A lane that is added later is found at the next start.
///
/// # Errors
/// [`ConfigError`] without usable `[amqp]`, `[keys]` or `[lanes]`, before anything is consumed.
pub async fn collect(boot: &Boot, kept: Arc<dyn LetterBox>) -> Result<(), ConfigError> {
    let lanes = Lanes::read(boot.settings())?;
    let keys = boot.keys()?;
    let link = boot.publisher().await?.link().clone();
    let places =
        Stage::ALL.into_iter().flat_map(|stage| lanes.names().map(move |lane| (stage, lane.clone())));
    let collectors = places.map(|(stage, lane)| {
        let collector = Collector {
            stage,
            lane,
            link: link.clone(),
            kept: kept.clone(),
            keys: keys.clone(),
            clock: boot.clock(),
            metrics: boot.metrics().clone(),
            stop: boot.shutdown().soft().clone(),
        };
        collector.run()
    });
    join_all(collectors).await;
    Ok(())
}

/// Collects from one queue.
struct Collector {
    stage: Stage,
    lane: LaneName,
    link: Link,
    kept: Arc<dyn LetterBox>,
    keys: Arc<Keyring>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    stop: CancellationToken,
}

impl Collector {
    async fn run(self) {
        self.metrics.collected.appear(&[("stage", self.stage.as_str()), ("lane", self.lane.as_str())]);
        let mut pace = Pace::new(FIRST_PAUSE, LONGEST_PAUSE);
        while !self.stop.is_cancelled() {
            let session = tokio::select! {
                session = self.link.connected() => session,
                () = self.stop.cancelled() => return,
            };
            let Ok(session) = session else { return };
            if self.serve(&session).await {
                pace.reset();
            }
            tokio::select! {
                () = tokio::time::sleep(pace.step()) => {}
                () = self.stop.cancelled() => {}
            }
        }
    }

    /// One channel, to its end. `false`: nothing could be consumed over it.
    async fn serve(&self, session: &Session) -> bool {
        let queue = self.stage.dead_letter_queue(&self.lane);
        let Ok(channel) = session.channel().await else { return false };
        let consuming = async {
            channel.basic_qos(PREFETCH, BasicQosOptions::default()).await?;
            let (options, arguments) = (BasicConsumeOptions::default(), FieldTable::default());
            channel.basic_consume(queue.as_str().into(), "".into(), options, arguments).await
        };
        let consuming = tokio::select! {
            consuming = consuming => consuming,
            () = session.lost().cancelled() => return false,
        };
        let consumer = match consuming {
            Ok(consumer) => consumer,
            Err(error) => {
                tracing::warn!(messaging.destination.name = queue, %error, "letters.refused");
                return false;
            }
        };
        tracing::info!(messaging.destination.name = queue, "letters.consuming");
        self.pump(&channel, consumer, session.lost()).await;
        // What is in hand and not acknowledged goes back with the channel.
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, channel.close(200, "done".into())).await;
        true
    }

    async fn pump(&self, channel: &Channel, mut consumer: Consumer, lost: &CancellationToken) {
        let mut in_hand = FuturesUnordered::new();
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                () = lost.cancelled() => return,
                Some(kept) = in_hand.next(), if !in_hand.is_empty() => {
                    let Some(tag) = kept else { return };
                    if channel.basic_ack(tag, BasicAckOptions::default()).await.is_err() {
                        return;
                    }
                    let (stage, lane) = (("stage", self.stage.as_str()), ("lane", self.lane.as_str()));
                    self.metrics.collected.add(&[stage, lane]);
                }
                delivery = consumer.next() => match delivery {
                    Some(Ok(delivery)) => in_hand.push(self.keep(delivery)),
                    Some(Err(_)) | None => return,
                },
            }
        }
    }

    /// Keeps a letter, however long that takes, and gives its tag. `None`: it could not be sealed, and must not be kept in clear.
    async fn keep(&self, delivery: Delivery) -> Option<u64> {
        let tag = delivery.delivery_tag;
        let (letter, trace) =
            match read::letter(&delivery, (self.stage, &self.lane), &self.keys, &*self.clock) {
                Ok(read) => read,
                Err(fault) => {
                    tracing::error!(frontdesk.code = fault.code().as_str(), "letters.unsealable");
                    return None;
                }
            };
        let message = letter.message.unwrap_or_else(|| MessageId::from_uuid(letter.id.as_uuid()));
        let queue = self.stage.dead_letter_queue(&self.lane);
        let span = spans::process(&queue, message, letter.correlation, letter.attempt, delivery.data.len());
        drop(delivery);
        telemetry::adopt(&span, &trace, letter.correlation);
        // A replay goes on from here.
        telemetry::ids::start_as(&span, telemetry::ids::of_letter(letter.id));
        let keeping = async {
            let mut pace = Pace::new(FIRST_PAUSE, LONGEST_PAUSE);
            while self.kept.keep(letter.clone()).await.is_err() {
                self.metrics.store_retries.add_one();
                tokio::time::sleep(pace.step()).await;
            }
            tracing::info!(
                frontdesk.fingerprint = letter.fingerprint(),
                frontdesk.letter = %letter.id,
                "letters.collected"
            );
        };
        keeping.instrument(span).await;
        Some(tag)
    }
}
