//! Publishing sealed originals again, as the gateway published them first: what a lost broker took along, and what a person let go on.

use std::{sync::Arc, time::Duration};

use domain::{
    ClinicId, CorrelationId, Exchange, MessageId,
    clock::Clock,
    envelope::{CONTENT_TYPE, Envelope},
};

use tracing::Span;

use crate::{
    amqp::{Properties, PublishError, Publisher, header},
    telemetry::{self, Traceparent},
};

/// How often a message is sent until the broker confirms it.
const TRIES: u32 = 5;
/// How long the broker may be away between two tries.
const PATIENCE: Duration = Duration::from_secs(30);
/// The pause after a message that was not confirmed.
const PAUSE: Duration = Duration::from_millis(500);

/// A sealed original, as it was admitted.
pub struct Original {
    /// The clinic.
    pub clinic: ClinicId,
    /// The message that brought it.
    pub message: MessageId,
    /// The correlation id.
    pub correlation: CorrelationId,
    /// The trace that it came in, as the journal has it.
    trace_id: Option<String>,
    schema: String,
    body: Vec<u8>,
}

impl Original {
    /// An original; `None` if it cannot be read as an envelope.
    pub fn new(
        clinic: ClinicId,
        message: MessageId,
        correlation: CorrelationId,
        trace_id: Option<String>,
        body: Vec<u8>,
    ) -> Option<Self> {
        let schema = Envelope::from_slice(&body).ok()?.schema;
        Some(Self { clinic, message, correlation, trace_id, schema, body })
    }

    /// A span for what is done with it, in its trace.
    pub fn span(&self, name: &'static str) -> Span {
        telemetry::resume(name, self.trace_id.as_deref(), self.correlation)
    }
}

/// Why an original is not known to be on its way. To publish it once more does no harm.
#[derive(Debug, thiserror::Error)]
pub enum NotAgain {
    /// The broker did not take it.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// The broker does not answer.
    #[error("the broker does not answer")]
    Away,
}

/// Publishes originals to the ingest exchange.
pub struct Again {
    publisher: Publisher,
    app: &'static str,
    clock: Arc<dyn Clock>,
}

impl Again {
    /// Over a publisher, under a program's name.
    pub const fn new(publisher: Publisher, app: &'static str, clock: Arc<dyn Clock>) -> Self {
        Self { publisher, app, clock }
    }

    /// Waits until the broker is reached, half a minute at most.
    ///
    /// # Errors
    /// [`NotAgain`].
    pub async fn connected(&self) -> Result<(), NotAgain> {
        let connected = tokio::time::timeout(PATIENCE, self.publisher.link().connected()).await;
        connected.map_err(|_| NotAgain::Away)?.map(drop).map_err(|_| NotAgain::Away)
    }

    /// As the gateway does it, but under the name of the message that was admitted: so it is known for a redelivery. Resolves when the
    /// broker has confirmed it and routed it to a queue.
    ///
    /// # Errors
    /// [`NotAgain`]: it may be there all the same.
    pub async fn publish(&self, original: Original) -> Result<(), NotAgain> {
        let Original { clinic, message, correlation, trace_id, schema, body } = original;
        // For a program that makes no spans: its trace goes on all the same, below one that nobody exports.
        let span = self.clock.fresh_id().as_u64_pair().1;
        let trace = trace_id.and_then(|trace| Traceparent::below(&trace, span)).unwrap_or_default();
        let key = Exchange::routing_key(&clinic);
        let properties = Properties::new(message, self.app, CONTENT_TYPE, self.clock.now())
            .correlation(correlation)
            .schema(schema)
            .clinic(&clinic)
            .header(header::RESUMED, Some(true))
            .within(trace);
        let mut tries = 0;
        loop {
            tries += 1;
            let ingest = Exchange::Ingest.as_str();
            match self.publisher.publish(ingest, &key, properties.clone(), body.clone()).await {
                Ok(()) => return Ok(()),
                // Neither gets better by being tried again.
                Err(error @ (PublishError::Returned | PublishError::Unsendable)) => return Err(error.into()),
                Err(error) if tries == TRIES => return Err(error.into()),
                Err(_) => {
                    tokio::time::sleep(PAUSE).await;
                    self.connected().await?;
                }
            }
        }
    }
}
