//! Publishing the sealed original of an admitted submission again, as the gateway published it first.
//!
//! It goes out under the name of the message that was admitted: validation takes it for a redelivery and repeats its decision, and all that
//! follows is done once. So it is harmless also where the first message is still there.

use std::time::Duration;

use domain::{
    ClinicId, CorrelationId, Exchange, MessageId,
    clock::Clock,
    envelope::{CONTENT_TYPE, Envelope},
};

use crate::amqp::{LinkDown, Properties, PublishError, Publisher};

/// How often a message is sent until the broker confirms it.
const TRIES: u32 = 5;
/// How long the broker may be away.
const PATIENCE: Duration = Duration::from_secs(30);
/// The pause after a message that was not confirmed.
const PAUSE: Duration = Duration::from_millis(500);

/// An original, ready to be published again.
pub struct Original {
    clinic: ClinicId,
    message: MessageId,
    correlation: CorrelationId,
    schema: String,
    sealed: Vec<u8>,
}

/// It was not published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotPublished {
    /// The broker did not take it.
    #[error(transparent)]
    Refused(#[from] PublishError),
    /// The broker stayed away for too long.
    #[error("the broker does not answer")]
    Away,
    /// The process is stopping.
    #[error(transparent)]
    Stopping(#[from] LinkDown),
}

impl Original {
    /// The original of a clinic's submission: the message that brought it, its correlation id, and the body as it was kept. `None`: it is no
    /// sealed envelope.
    pub fn new(
        clinic: ClinicId,
        (message, correlation): (MessageId, CorrelationId),
        sealed: Vec<u8>,
    ) -> Option<Self> {
        let schema = Envelope::from_slice(&sealed).ok()?.schema;
        Some(Self { clinic, message, correlation, schema, sealed })
    }

    /// Publishes it to the ingest exchange, confirmed and routed to a queue; tries again while the broker comes and goes. `app` is the
    /// publisher's name on the message.
    ///
    /// # Errors
    /// [`NotPublished`]; it may be published again all the same.
    pub async fn publish(
        &self,
        publisher: &Publisher,
        app: &'static str,
        clock: &dyn Clock,
    ) -> Result<(), NotPublished> {
        let key = Exchange::routing_key(&self.clinic);
        let properties = Properties::new(self.message, app, CONTENT_TYPE, clock.now())
            .correlation(self.correlation)
            .schema(&self.schema)
            .clinic(&self.clinic);
        let mut tries = 0;
        loop {
            tries += 1;
            let ingest = Exchange::Ingest.as_str();
            match publisher.publish(ingest, &key, properties.clone(), self.sealed.clone()).await {
                Ok(()) => return Ok(()),
                // Neither gets better by being tried again.
                Err(error @ (PublishError::Returned | PublishError::Unsendable)) => return Err(error.into()),
                Err(error) if tries == TRIES => return Err(error.into()),
                Err(_) => {
                    tokio::time::sleep(PAUSE).await;
                    connected(publisher).await?;
                }
            }
        }
    }
}

/// Waits for the broker, half a minute at most.
///
/// # Errors
/// [`NotPublished`] if it stays away.
pub async fn connected(publisher: &Publisher) -> Result<(), NotPublished> {
    let connected = tokio::time::timeout(PATIENCE, publisher.link().connected());
    connected.await.map_err(|_| NotPublished::Away)??;
    Ok(())
}
