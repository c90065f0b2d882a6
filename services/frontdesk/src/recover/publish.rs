//! Publishing sealed originals again, as the gateway published them first.

use std::{collections::HashMap, sync::Arc, time::Duration};

use anyhow::bail;
use domain::{
    AdmissionId,
    clock::Clock,
    ids::LetterId,
    ports::{NotSent, Outbox as _},
};
use futures_util::{StreamExt as _, stream};
use ledger::{
    Store,
    read::{Kept, Unfinished},
};
use runtime::{
    Settings,
    again::{Again, Original},
    amqp::{Link, Publisher},
    config::AmqpSection,
    letters::Replays,
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

/// A connection to the broker, closed when this is dropped.
pub struct Broker {
    again: Again,
    replays: Replays,
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
        let lanes = Lanes::read(settings)?;
        if settings.has("management") {
            let topology = Topology::derive(&lanes);
            let plan = Management::from_settings(settings)?.plan(&topology).await?;
            if plan.lacks() {
                bail!("the broker has not what the line needs: run `frontdesk topology apply` first");
            }
        }
        let (section, url) = AmqpSection::read(settings)?;
        let (metrics, stop) = (Arc::<Metrics>::default(), CancellationToken::new());
        let link = Link::start(&section, &url, APP, metrics.clone(), stop.clone())?;
        let publisher = Publisher::start(link, &section, metrics);
        let replays = Replays::over(publisher.clone(), lanes, APP, clock.clone());
        let broker = Self { again: Again::new(publisher, APP, clock), replays, stop };
        broker.again.connected().await?;
        Ok(broker)
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

    /// Publishes the messages of dead letters once more, each to the queue that it died in, `rate` a second at most, and gives how many were
    /// published. What is heard of by now is passed by.
    ///
    /// # Errors
    /// [`NotAll`] if the database or the broker went away, or a lane is gone; what was published stays published.
    pub async fn replay(
        &self,
        store: &Store,
        letters: &[LetterId],
        rate: Option<u32>,
    ) -> Result<u64, NotAll> {
        let mut published = 0;
        for letter in letters {
            let not_all = |why: &str| NotAll { published, wanted: letters.len(), why: why.to_owned() };
            let again = store.unheard_letter(*letter).await;
            let Some(again) = again.map_err(|_| not_all("the database does not answer"))? else { continue };
            match self.replays.send(again).await {
                Ok(()) => published += 1,
                Err(NotSent::NoQueue) => {
                    return Err(not_all(&format!("the queue that letter {letter} died in is gone")));
                }
                Err(NotSent::Unconfirmed) => return Err(not_all("the broker did not confirm one")),
            }
            if let Some(rate) = rate {
                tokio::time::sleep(Duration::from_secs(1) / rate.max(1)).await;
            }
        }
        Ok(published)
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
        let mut originals: HashMap<AdmissionId, Kept> = store.originals(&ids).await?.into_iter().collect();
        let mut messages = Vec::with_capacity(page.len());
        for one in page {
            let Some(Kept { sealed, trace_id }) = originals.remove(&one.admission) else {
                report.ended += 1;
                continue;
            };
            let original =
                |body| Original::new(one.clinic.clone(), one.message, one.correlation, trace_id, body);
            match sealed.and_then(original) {
                Some(original) => messages.push(original),
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
        let published = paced.map(|original| self.again.publish(original)).buffer_unordered(IN_FLIGHT);
        let mut published = std::pin::pin!(published);
        while let Some(result) = published.next().await {
            result?;
            report.published += 1;
            doing.goes(format!("publishing again: {} of {wanted}", report.published));
        }
        Ok(())
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
