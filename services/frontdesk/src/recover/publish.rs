//! Publishing sealed originals again, as the gateway published them first.

use std::{collections::HashMap, sync::Arc, time::Duration};

use anyhow::{Context as _, bail};
use domain::{
    AdmissionId, Exchange,
    clock::Clock,
    envelope::{CONTENT_TYPE, Envelope},
};
use futures_util::{StreamExt as _, stream};
use ledger::{Store, read::Unfinished};
use runtime::{
    Settings,
    amqp::{Link, Properties, PublishError, Publisher},
    config::AmqpSection,
    telemetry::Metrics,
    topology::{Lanes, Management, Topology},
};
use tokio_util::sync::CancellationToken;

use crate::output::Doing;

/// The name on connections and messages.
const APP: &str = "frontdesk-recover";
/// Originals that are read at once.
const PAGE: usize = 500;
/// Messages on their way to the broker at once.
const IN_FLIGHT: usize = 256;
/// How often a message is sent until the broker confirms it.
const TRIES: u32 = 5;
/// How long the broker may be away.
const PATIENCE: Duration = Duration::from_secs(30);
/// The pause after a message that was not confirmed.
const PAUSE: Duration = Duration::from_millis(500);

/// A connection to the broker, closed when this is dropped.
pub struct Broker {
    publisher: Publisher,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Published and confirmed.
    pub published: u64,
    /// Those that came to their end meanwhile.
    pub ended: u64,
    /// Those whose original is no longer kept, or cannot be read: they stay as they are.
    pub unpublished: Vec<AdmissionId>,
}

/// Not everything was published again.
#[derive(Debug, thiserror::Error)]
#[error(
    "{published} of {wanted} were published again: {why}; what was not can be by running it again, which does no harm"
)]
pub struct NotAll {
    /// Published and confirmed.
    pub published: u64,
    /// How many were to be.
    pub wanted: usize,
    /// What kept the others.
    pub why: String,
}

impl Broker {
    /// Connects, and looks whether the broker has what messages are routed by.
    ///
    /// # Errors
    /// If the broker is not reached, or lacks something.
    pub async fn connect(settings: &Settings, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        if settings.has("management") {
            let topology = Topology::derive(&Lanes::read(settings)?);
            let plan = Management::from_settings(settings)?.plan(&topology).await?;
            if !plan.is_empty() {
                bail!("the broker has not what the line needs: run `frontdesk topology apply` first");
            }
        }
        let (section, url) = AmqpSection::read(settings)?;
        let (metrics, stop) = (Arc::<Metrics>::default(), CancellationToken::new());
        let link = Link::start(&url, APP, metrics.clone(), stop.clone())?;
        let broker = Self { publisher: Publisher::start(link, &section, metrics), clock, stop };
        broker.connected().await?;
        Ok(broker)
    }

    async fn connected(&self) -> anyhow::Result<()> {
        let connected = tokio::time::timeout(PATIENCE, self.publisher.link().connected());
        connected.await.context("the broker does not answer")??;
        Ok(())
    }

    /// Publishes them, in their order, `rate` a second at most, each confirmed and routed to a queue.
    ///
    /// # Errors
    /// [`NotAll`] if the database or the broker went away; what was published stays published.
    pub async fn republish(
        &self,
        store: &Store,
        submissions: &[Unfinished],
        rate: Option<u32>,
    ) -> Result<Report, NotAll> {
        let doing = Doing::begin("publishing again");
        let mut report = Report::default();
        let wanted = submissions.len();
        for page in submissions.chunks(PAGE) {
            self.page(store, page, rate, (&mut report, &doing, wanted)).await.map_err(|error| NotAll {
                published: report.published,
                wanted,
                why: format!("{error:#}"),
            })?;
        }
        doing.done(&format!("published again: {} of {wanted}", report.published));
        Ok(report)
    }

    async fn page(
        &self,
        store: &Store,
        page: &[Unfinished],
        rate: Option<u32>,
        (report, doing, wanted): (&mut Report, &Doing, usize),
    ) -> anyhow::Result<()> {
        let ids: Vec<AdmissionId> = page.iter().map(|one| one.admission).collect();
        // Asked again: at a slow rate much of it may have come to its end since the plan was made.
        let mut originals: HashMap<AdmissionId, Option<Vec<u8>>> =
            store.originals(&ids).await?.into_iter().collect();
        let mut messages = Vec::with_capacity(page.len());
        for one in page {
            let Some(sealed) = originals.remove(&one.admission) else {
                report.ended += 1;
                continue;
            };
            match sealed.and_then(|body| Some((Envelope::from_slice(&body).ok()?.schema, body))) {
                Some((schema, body)) => messages.push((one, schema, body)),
                None => report.unpublished.push(one.admission),
            }
        }
        let pace = rate.map(|rate| {
            let mut pace = tokio::time::interval(Duration::from_secs(1) / rate.max(1));
            pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            pace
        });
        // Taken up in their order and paced; confirmed in any.
        let paced = stream::unfold((messages.into_iter(), pace), |(mut messages, mut pace)| async move {
            let message = messages.next()?;
            if let Some(pace) = &mut pace {
                pace.tick().await;
            }
            Some((message, (messages, pace)))
        });
        let published =
            paced.map(|(one, schema, body)| self.publish(one, schema, body)).buffer_unordered(IN_FLIGHT);
        let mut published = std::pin::pin!(published);
        while let Some(result) = published.next().await {
            result?;
            report.published += 1;
            doing.goes(format!("publishing again: {} of {wanted}", report.published));
        }
        Ok(())
    }

    /// As the gateway does it, but under the name of the message that was admitted: so it is known for a redelivery.
    async fn publish(&self, one: &Unfinished, schema: String, body: Vec<u8>) -> anyhow::Result<()> {
        let key = Exchange::routing_key(&one.clinic);
        let properties = Properties::new(one.message, APP, CONTENT_TYPE, self.clock.now())
            .correlation(one.correlation)
            .schema(schema)
            .clinic(&one.clinic);
        let mut tries = 0;
        loop {
            tries += 1;
            let ingest = Exchange::Ingest.as_str();
            match self.publisher.publish(ingest, &key, properties.clone(), body.clone()).await {
                Ok(()) => return Ok(()),
                // Neither gets better by being tried again.
                Err(error @ (PublishError::Returned | PublishError::Unsendable)) => bail!(error),
                Err(error) if tries == TRIES => bail!(error),
                Err(_) => {
                    tokio::time::sleep(PAUSE).await;
                    self.connected().await?;
                }
            }
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
