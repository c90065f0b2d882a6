//! The gateway's two neighbours: the broker, through the runtime's publisher, and the ledger.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use domain::{
    Exchange, MessageId, SubmissionId,
    clock::Clock,
    envelope::{CONTENT_TYPE, Envelope},
    ports::{Pending, StoreDown, SwitchBoard, SwitchScope},
    reconcile::Accepted,
};
use jiff::Timestamp;
use ledger::{Store, read::Status};
use runtime::amqp::{Properties, Publisher};
use uuid::Uuid;

use crate::ports::{Ingest, NotConfirmed, Register, Standing, Standings};

/// `intake.ingest`, over one supervised connection.
pub struct Line {
    /// Confirms, pipelines, reconnects.
    pub publisher: Publisher,
    /// Names and dates messages.
    pub clock: Arc<dyn Clock>,
    /// The service's name on messages.
    pub app: &'static str,
    /// How long a confirm may take.
    pub patience: Duration,
}

#[async_trait]
impl Ingest for Line {
    async fn publish(&self, envelope: Envelope) -> Result<(), NotConfirmed> {
        let body = envelope.to_vec().map_err(|_| NotConfirmed)?;
        let meta = envelope.meta;
        let id = MessageId::from_uuid(self.clock.fresh_id());
        let properties = Properties::new(id, self.app, CONTENT_TYPE, self.clock.now())
            .correlation(meta.correlation)
            .schema(envelope.schema)
            .clinic(&meta.clinic);
        let key = Exchange::routing_key(&meta.clinic);
        let publish = self.publisher.publish(Exchange::Ingest.as_str(), &key, properties, body);
        match tokio::time::timeout(self.patience, publish).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => {
                tracing::warn!(%error, "gateway.not_confirmed");
                Err(NotConfirmed)
            }
            Err(_) => {
                tracing::warn!(error = "no confirm in time", "gateway.not_confirmed");
                Err(NotConfirmed)
            }
        }
    }

    fn ready(&self) -> bool {
        self.publisher.link().is_up()
    }
}

#[async_trait]
impl Standings for Store {
    async fn of(&self, submission: &SubmissionId) -> Result<Vec<Standing>, StoreDown> {
        let rows = self.submission(None, submission).await?;
        Ok(rows.into_iter().map(standing).collect())
    }
}

#[async_trait]
impl Register for Store {
    async fn accepted(&self, some: &[Accepted]) -> Result<(), StoreDown> {
        self.note_accepted(some).await
    }

    async fn counted_until(&self, gateway: Uuid, until: Timestamp, closed: bool) -> Result<(), StoreDown> {
        Self::counted_until(self, gateway, until, closed).await
    }
}

fn standing(row: Status) -> Standing {
    Standing {
        clinic_id: row.clinic,
        state: row.state.to_string(),
        code: row.code,
        field: row.field,
        correlation_id: row.correlation,
        received_at: row.received_at,
    }
}

/// No database is configured: submissions are accepted all the same, their states cannot be asked for, nothing is paused.
pub struct NoStore;

#[async_trait]
impl Standings for NoStore {
    async fn of(&self, _: &SubmissionId) -> Result<Vec<Standing>, StoreDown> {
        Err(StoreDown)
    }
}

impl SwitchBoard for NoStore {
    fn paused(&self) -> Pending<Result<Vec<SwitchScope>, StoreDown>> {
        Box::pin(async { Err(StoreDown) })
    }
}
