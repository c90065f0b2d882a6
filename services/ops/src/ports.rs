//! What the API reads and changes, as traits: it is tested without a database or a broker.

use async_trait::async_trait;
use domain::{
    ClinicId, SubmissionId,
    ports::{StoreDown, SwitchScope},
};
use ledger::{
    Store,
    read::{Counts, OutcomeFilter, OutcomePage, Percentiles, Status, Timeline},
    switches::Pause,
};
use runtime::topology::Management;

use crate::views::Queue;

/// Rows of a page of outcomes.
const PAGE: u32 = 500;

/// The ledger and the journal.
#[async_trait]
pub trait Records: Send + Sync + 'static {
    /// A page of outcomes in the order of admission.
    async fn outcomes(&self, filter: &OutcomeFilter, after: Option<i64>) -> Result<OutcomePage, StoreDown>;
    /// All admissions under the sender's identifier, each with its timeline; the refused copies last.
    async fn submission(
        &self,
        clinic: Option<&ClinicId>,
        id: &SubmissionId,
    ) -> Result<Vec<(Status, Timeline)>, StoreDown>;
    /// All counts.
    async fn counts(&self, filter: &OutcomeFilter) -> Result<Counts, StoreDown>;
    /// How long completed submissions took.
    async fn durations(&self, filter: &OutcomeFilter) -> Result<Percentiles, StoreDown>;
    /// What is paused.
    async fn pauses(&self) -> Result<Vec<Pause>, StoreDown>;
    /// Pauses a scope; a pause that is there already is replaced.
    async fn pause(&self, pause: &Pause) -> Result<(), StoreDown>;
    /// Ends a pause; `false` if there was none.
    async fn resume(&self, scope: &SwitchScope) -> Result<bool, StoreDown>;
}

#[async_trait]
impl Records for Store {
    async fn outcomes(&self, filter: &OutcomeFilter, after: Option<i64>) -> Result<OutcomePage, StoreDown> {
        Self::outcomes(self, filter, after, PAGE).await
    }

    async fn submission(
        &self,
        clinic: Option<&ClinicId>,
        id: &SubmissionId,
    ) -> Result<Vec<(Status, Timeline)>, StoreDown> {
        let mut out = Vec::new();
        for status in Self::submission(self, clinic, id).await? {
            let timeline = self.timeline(status.admission).await?;
            out.push((status, timeline));
        }
        Ok(out)
    }

    async fn counts(&self, filter: &OutcomeFilter) -> Result<Counts, StoreDown> {
        Self::counts(self, filter).await
    }

    async fn durations(&self, filter: &OutcomeFilter) -> Result<Percentiles, StoreDown> {
        Self::durations(self, filter).await
    }

    async fn pauses(&self) -> Result<Vec<Pause>, StoreDown> {
        Self::pauses(self).await
    }

    async fn pause(&self, pause: &Pause) -> Result<(), StoreDown> {
        Self::pause(self, pause).await
    }

    async fn resume(&self, scope: &SwitchScope) -> Result<bool, StoreDown> {
        Self::resume(self, scope).await
    }
}

/// The broker's queues.
#[async_trait]
pub trait Queues: Send + Sync + 'static {
    /// Every queue's depth; `None` if it cannot be asked.
    async fn depths(&self) -> Option<Vec<Queue>>;
}

#[async_trait]
impl Queues for Management {
    async fn depths(&self) -> Option<Vec<Queue>> {
        let depths =
            Self::depths(self).await.map_err(|error| tracing::warn!(%error, "ops.no_depths")).ok()?;
        let queue = |depth: runtime::topology::Depth| Queue {
            queue: depth.queue,
            ready: depth.ready,
            unacknowledged: depth.unacked,
        };
        Some(depths.into_iter().map(queue).collect())
    }
}

/// No management API is configured.
pub struct NoQueues;

#[async_trait]
impl Queues for NoQueues {
    async fn depths(&self) -> Option<Vec<Queue>> {
        None
    }
}
