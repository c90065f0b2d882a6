//! What the gateway needs from the broker and the database, as traits: it is tested without either.

use async_trait::async_trait;
use domain::{
    ClinicId, Code, CorrelationId, FieldPath, SubmissionId, envelope::Envelope, ports::StoreDown,
    reconcile::Accepted,
};
use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

/// The broker did not confirm that the message is in a queue. Whether it is may be unknown: sending again is harmless.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the broker did not confirm")]
pub struct NotConfirmed;

/// Where accepted submissions go.
#[async_trait]
pub trait Ingest: Send + Sync + 'static {
    /// Publishes to `intake.ingest` and waits until the broker has confirmed the routed message.
    async fn publish(&self, envelope: Envelope) -> Result<(), NotConfirmed>;
    /// Whether the broker is connected: the gateway's readiness.
    fn ready(&self) -> bool;
}

/// Where accepted submissions are counted, before they are answered.
#[async_trait]
pub trait Count: Send + Sync + 'static {
    /// Counts one. Returns when a crash takes the count away no more. It may be counted before, here or elsewhere: it counts once.
    async fn accepted(&self, one: Accepted);
}

/// Where gateways bring their counts.
#[async_trait]
pub trait Register: Send + Sync + 'static {
    /// These were accepted. What is known already stays as it is.
    async fn accepted(&self, some: &[Accepted]) -> Result<(), StoreDown>;
    /// A gateway has told of all that it accepted before a moment; `closed`: it stops, and there is no more.
    async fn counted_until(&self, gateway: Uuid, until: Timestamp, closed: bool) -> Result<(), StoreDown>;
}

/// What the sender may know about one admission of a submission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// The clinic.
    pub clinic_id: ClinicId,
    /// `in_flight`, `completed`, `duplicate`, `rejected`, `held` or `dead`.
    pub state: String,
    /// Why, where there is a why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
    /// The field in question.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<FieldPath>,
    /// The correlation id.
    pub correlation_id: CorrelationId,
    /// When it was first seen.
    pub received_at: Timestamp,
}

/// Where the states of submissions stand.
#[async_trait]
pub trait Standings: Send + Sync + 'static {
    /// All admissions under the sender's identifier, at any clinic, oldest first.
    async fn of(&self, submission: &SubmissionId) -> Result<Vec<Standing>, StoreDown>;
}
