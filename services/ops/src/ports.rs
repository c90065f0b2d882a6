//! What the API reads and changes, as traits: it is tested without a database or a broker.

use async_trait::async_trait;
use domain::{
    AdmissionId, ClinicId, MessageId, SubmissionId,
    ids::LetterId,
    ports::{StoreDown, SwitchScope},
};
use jiff::Timestamp;
use ledger::{
    Store,
    acts::{Act, ActFilter, Actor, Outcome},
    holds::{Decided, Held, HoldFilter, HoldPage, NewDecision, Undecided},
    letters::{EditRow, LetterFilter, LetterGroup, LetterPage, LetterRow},
    look_up::{LookUp, Naming},
    read::{Activity, Counts, OutcomeFilter, OutcomePage, Percentiles, State, Status, Timeline},
    switches::Pause,
    watch::{Crash, ToldBreaker},
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
    /// Pauses a scope, in a role; a pause that is there already is replaced. Notes the act.
    async fn pause(&self, pause: &Pause, role: &str) -> Result<Outcome, StoreDown>;
    /// Ends a pause, and gives it; `None` if there was none. Notes the act.
    async fn resume(
        &self,
        scope: &SwitchScope,
        actor: &Actor,
        reason: &str,
    ) -> Result<Option<Pause>, StoreDown>;
    /// A page of acts, newest first, of those before a number.
    async fn acts(&self, filter: &ActFilter, before: Option<i64>, limit: u32) -> Result<Vec<Act>, StoreDown>;
    /// What goes on now, and what passed since a moment.
    async fn activity(&self, since: Timestamp) -> Result<Activity, StoreDown>;
    /// How many submissions stand where, of one clinic or of all.
    async fn standing(&self, clinic: Option<&ClinicId>) -> Result<Vec<(State, u64)>, StoreDown>;
    /// Dead letters by what they died of.
    async fn letter_groups(&self, filter: &LetterFilter) -> Result<Vec<LetterGroup>, StoreDown>;
    /// A page of dead letters by time to the visit.
    async fn letters(
        &self,
        filter: &LetterFilter,
        after: Option<LetterId>,
        limit: u32,
    ) -> Result<LetterPage, StoreDown>;
    /// One dead letter.
    async fn letter(&self, id: LetterId) -> Result<Option<LetterRow>, StoreDown>;
    /// All edits of a dead letter, oldest first, without their values.
    async fn edits(&self, letter: LetterId) -> Result<Vec<EditRow>, StoreDown>;
    /// Where an admission stands, with its timeline.
    async fn admission(&self, id: AdmissionId) -> Result<Option<(Status, Timeline)>, StoreDown>;
    /// The circuit breakers that processes told of.
    async fn breakers(&self) -> Result<Vec<ToldBreaker>, StoreDown>;
    /// What is on record of a message that processes died of.
    async fn crash(&self, message: MessageId) -> Result<Option<Crash>, StoreDown>;
    /// So many submissions at most that something names, with what it is of each.
    async fn named(
        &self,
        name: &str,
        clinic: Option<&ClinicId>,
        limit: u32,
    ) -> Result<Vec<(Naming, Status)>, StoreDown>;
    /// So many submissions at most of the persons that are found by one of the blind indexes. Notes the act.
    async fn look_up(&self, wanted: &LookUp, limit: u32) -> Result<Vec<Status>, StoreDown>;
    /// A page of what is held, by time to the visit.
    async fn holds(
        &self,
        filter: &HoldFilter,
        after: Option<AdmissionId>,
        limit: u32,
    ) -> Result<HoldPage, StoreDown>;
    /// One hold with what helps to decide it; `None` if nothing of that admission is held.
    async fn hold(&self, id: AdmissionId) -> Result<Option<Held>, StoreDown>;
    /// Decides about a hold. Notes the act.
    async fn decide(&self, decision: &NewDecision) -> Result<Decided, Undecided>;
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

    async fn pause(&self, pause: &Pause, role: &str) -> Result<Outcome, StoreDown> {
        Self::pause(self, pause, role).await
    }

    async fn resume(
        &self,
        scope: &SwitchScope,
        actor: &Actor,
        reason: &str,
    ) -> Result<Option<Pause>, StoreDown> {
        Self::resume(self, scope, actor, reason).await
    }

    async fn acts(&self, filter: &ActFilter, before: Option<i64>, limit: u32) -> Result<Vec<Act>, StoreDown> {
        Self::acts(self, filter, before, limit).await
    }

    async fn activity(&self, since: Timestamp) -> Result<Activity, StoreDown> {
        Self::activity(self, since).await
    }

    async fn standing(&self, clinic: Option<&ClinicId>) -> Result<Vec<(State, u64)>, StoreDown> {
        Self::standing(self, clinic).await
    }

    async fn letter_groups(&self, filter: &LetterFilter) -> Result<Vec<LetterGroup>, StoreDown> {
        Self::letter_groups(self, filter).await
    }

    async fn letters(
        &self,
        filter: &LetterFilter,
        after: Option<LetterId>,
        limit: u32,
    ) -> Result<LetterPage, StoreDown> {
        Self::letters(self, filter, after, limit).await
    }

    async fn letter(&self, id: LetterId) -> Result<Option<LetterRow>, StoreDown> {
        Self::letter(self, id).await
    }

    async fn edits(&self, letter: LetterId) -> Result<Vec<EditRow>, StoreDown> {
        Self::edits(self, letter).await
    }

    async fn admission(&self, id: AdmissionId) -> Result<Option<(Status, Timeline)>, StoreDown> {
        let Some(status) = Self::admission(self, id).await? else { return Ok(None) };
        Ok(Some((status, self.timeline(id).await?)))
    }

    async fn breakers(&self) -> Result<Vec<ToldBreaker>, StoreDown> {
        Self::breakers(self).await
    }

    async fn crash(&self, message: MessageId) -> Result<Option<Crash>, StoreDown> {
        Self::crash(self, message).await
    }

    async fn named(
        &self,
        name: &str,
        clinic: Option<&ClinicId>,
        limit: u32,
    ) -> Result<Vec<(Naming, Status)>, StoreDown> {
        Self::named(self, name, clinic, limit).await
    }

    async fn look_up(&self, wanted: &LookUp, limit: u32) -> Result<Vec<Status>, StoreDown> {
        Self::look_up(self, wanted, limit).await
    }

    async fn holds(
        &self,
        filter: &HoldFilter,
        after: Option<AdmissionId>,
        limit: u32,
    ) -> Result<HoldPage, StoreDown> {
        Self::holds(self, filter, after, limit).await
    }

    async fn hold(&self, id: AdmissionId) -> Result<Option<Held>, StoreDown> {
        Self::hold(self, id).await
    }

    async fn decide(&self, decision: &NewDecision) -> Result<Decided, Undecided> {
        Self::decide(self, decision).await
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
