//! Dead letters on their way back: the same message to the queue that it died in, straight, by the default exchange. If its lane is no more,
//! to the lane that its clinic is in now.

use std::{sync::Arc, time::Duration};

use domain::{
    LaneName,
    clock::Clock,
    envelope::CONTENT_TYPE,
    letter::Again,
    ports::{NotSent, Outbox, Pending},
};

use crate::{
    Boot, ConfigError,
    amqp::{Properties, PublishError, Publisher, header},
    telemetry::{Traceparent, ids},
    topology::Lanes,
};

/// How long the broker may take to confirm one message. Whoever waits holds a lock in the database meanwhile.
const PATIENCE: Duration = Duration::from_secs(2);
/// The broker's exchange that routes by the queue's name.
const DEFAULT_EXCHANGE: &str = "";

/// Sends dead letters again.
pub struct Replays {
    publisher: Publisher,
    lanes: Lanes,
    app: &'static str,
    clock: Arc<dyn Clock>,
}

impl Replays {
    /// Over the process's connection.
    ///
    /// # Errors
    /// [`ConfigError`] without a usable `[amqp]` section, or if `[lanes]` is none.
    pub async fn new(boot: &Boot) -> Result<Self, ConfigError> {
        let lanes = Lanes::read(boot.settings())?;
        Ok(Self::over(boot.publisher().await?, lanes, boot.name(), boot.clock()))
    }

    /// Over a publisher, under a program's name.
    pub const fn over(publisher: Publisher, lanes: Lanes, app: &'static str, clock: Arc<dyn Clock>) -> Self {
        Self { publisher, lanes, app, clock }
    }

    /// The lane that it died in, while there is one of that name.
    fn lane(&self, letter: &Again) -> LaneName {
        match &letter.clinic {
            _ if self.lanes.contains(&letter.lane) => letter.lane.clone(),
            Some(clinic) => self.lanes.of(clinic).clone(),
            None => Lanes::default_lane(),
        }
    }
}

impl Outbox for Replays {
    fn send(&self, letter: Again) -> Pending<Result<(), NotSent>> {
        let lane = self.lane(&letter);
        let queue = letter.stage.queue(&lane);
        // Neither attempt nor time of the first failure: it has all its attempts again.
        let mut properties = Properties::new(letter.message, self.app, CONTENT_TYPE, self.clock.now())
            .correlation(letter.correlation)
            .schema(letter.schema)
            .lane(&lane)
            .header(header::RESUMED, Some(true));
        if let Some(clinic) = &letter.clinic {
            properties = properties.clinic(clinic);
        }
        // Below the span that collected it: its id is made of the letter's.
        let span = ids::of_letter(letter.id);
        let trace = letter.trace_id.and_then(|trace| Traceparent::below(&trace, span));
        let properties = properties.within(trace.unwrap_or_default().linked());
        let publisher = self.publisher.clone();
        Box::pin(async move {
            let sending = publisher.publish(DEFAULT_EXCHANGE, &queue, properties, letter.body);
            match tokio::time::timeout(PATIENCE, sending).await {
                Ok(Ok(())) => Ok(()),
                Ok(Err(PublishError::Returned | PublishError::Unsendable)) => Err(NotSent::NoQueue),
                Ok(Err(_)) | Err(_) => Err(NotSent::Unconfirmed),
            }
        })
    }
}
