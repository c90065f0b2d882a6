//! Publishing sealed originals again, as the gateway published them first: what a lost broker took along, and what a person let go on.

use std::{sync::Arc, time::Duration};

use domain::{
    ClinicId, CorrelationId, Exchange, MessageId,
    clock::Clock,
    envelope::{CONTENT_TYPE, Envelope},
};

use crate::amqp::{Properties, PublishError, Publisher};

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
    schema: String,
    body: Vec<u8>,
}

impl Original {
    /// An original; `None` if it cannot be read as an envelope.
    pub fn new(
        clinic: ClinicId,
        message: MessageId,
        correlation: CorrelationId,
        body: Vec<u8>,
    ) -> Option<Self> {
        let schema = Envelope::from_slice(&body).ok()?.schema;
        Some(Self { clinic, message, correlation, schema, body })
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
        let Original { clinic, message, correlation, schema, body } = original;
        let key = Exchange::routing_key(&clinic);
        let properties = Properties::new(message, self.app, CONTENT_TYPE, self.clock.now())
            .correlation(correlation)
            .schema(schema)
            .clinic(&clinic);
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
