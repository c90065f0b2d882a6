//! Admission: each submission gets one row, one decision and, where it passed, one person, exactly once, whoever else admits
//! at the same moment.

mod batch;
mod decide;
mod load;
mod people;
pub(crate) mod request;
mod write;

use std::sync::Arc;

use domain::{
    AdmissionId, ClinicId, Code, CorrelationId, FieldPath, MessageId, PersonId, SubmissionId,
    blind::BlindIndex, hold, ids::SourceName, meta::TemplateRef, ports::StoreDown,
};
use jiff::Timestamp;

pub(crate) use batch::Admitting;

use crate::Store;

/// A submission that validation has looked at.
#[derive(Debug, Clone)]
pub struct AdmissionRequest {
    /// The sender's identifier.
    pub submission: SubmissionId,
    /// The clinic, also if it is not configured.
    pub clinic: ClinicId,
    /// The delivery: a redelivery of the same message gets the same decision again.
    pub message: MessageId,
    /// The correlation id.
    pub correlation: CorrelationId,
    /// Where it came from.
    pub source: SourceName,
    /// When the sender says it was made.
    pub submitted_at: Timestamp,
    /// When we first saw it.
    pub received_at: Timestamp,
    /// The start of the visit that is asked for.
    pub appointment_at: Option<Timestamp>,
    /// The template that mapped it.
    pub template: Option<TemplateRef>,
    /// Keyed hash of what was submitted (source, form version and form): equal for equal content.
    pub content: BlindIndex,
    /// Whether people corrected something in it since it came. Its content is the same all the same.
    pub corrected: bool,
    /// The sealed original, kept for replay.
    pub original: Vec<u8>,
    /// What validation found.
    pub proposed: Proposed,
}

/// What validation found, before anybody else's submissions are considered.
#[derive(Debug, Clone)]
pub enum Proposed {
    /// It passed: find the person and look whether the request was made before.
    Match(MatchRequest),
    /// The sender must change something.
    Reject {
        /// Why.
        code: Code,
        /// Where.
        field: Option<FieldPath>,
    },
    /// A person decides.
    Hold {
        /// Why.
        code: Code,
        /// Where.
        field: Option<FieldPath>,
    },
}

/// What matching needs.
#[derive(Debug, Clone)]
pub struct MatchRequest {
    /// The keys that the person is found by.
    pub blocks: Vec<BlindIndex>,
    /// The person's record, sealed by the caller; comes back in a [`Candidate`].
    pub person: Vec<u8>,
    /// Keyed hash of what is asked for (provider and start). The clinic and the person are added by the ledger.
    pub request: BlindIndex,
}

/// A person who shares at least one key with the one in question.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Who. The same person comes once for each record that is kept of them.
    pub person: PersonId,
    /// Their sealed record, as some caller gave it.
    pub sealed: Arc<[u8]>,
}

/// What a comparison found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MatchDecision {
    /// It is this one.
    Same(PersonId),
    /// It is none of them.
    New,
    /// It may be one of these, each named once by the id of the person: a person decides.
    Doubtful(Vec<hold::Candidate>),
    /// A record could not be opened or read: nothing is admitted.
    Unreadable(Code),
}

/// Compares the person of a request with the candidates. Pure computation; called within the transaction.
pub type Matcher = dyn Fn(&AdmissionRequest, &[Candidate]) -> MatchDecision + Send + Sync;

/// What became of a submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admission {
    /// Its row. For a repeat, the row of the first.
    pub admission: AdmissionId,
    /// What was decided.
    pub decision: Decision,
    /// This very message was admitted before, or another one with the same content of which nobody knows yet that it was
    /// handed on and ended: the decision is the earlier one, to be carried out again.
    pub again: bool,
}

/// What was decided. What was held is decided anew after a person's decision, which it then follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It goes on.
    Admitted {
        /// Whose it is.
        person: PersonId,
        /// Nobody knew them before.
        new_person: bool,
    },
    /// The same person asked for the same before.
    Duplicate {
        /// In this submission.
        of: SubmissionId,
    },
    /// As proposed.
    Rejected {
        /// Why.
        code: Code,
        /// Where.
        field: Option<FieldPath>,
    },
    /// As proposed, or [`Code::DoubtfulMatch`], or [`Code::SubmissionConflict`] for a copy with other content.
    Held {
        /// Why.
        code: Code,
        /// Where.
        field: Option<FieldPath>,
    },
    /// Another message with the same submission and the same content, after the first has come to where it stands:
    /// nothing changes.
    Repeat,
}

/// Why nothing was admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AdmitError {
    /// Later.
    #[error(transparent)]
    Down(#[from] StoreDown),
    /// The matcher could not read a record that is kept.
    #[error("a kept record cannot be read ({0})")]
    Unreadable(Code),
}

impl Store {
    /// Admits a submission. Many share a transaction; those of one clinic follow one another, in all processes.
    /// Resolves after the commit. Safe to repeat with the same message.
    ///
    /// # Errors
    /// [`AdmitError`]: nothing was decided, or (with [`StoreDown`]) perhaps decided and to be asked again.
    pub async fn admit(
        &self,
        request: AdmissionRequest,
        matcher: Arc<Matcher>,
    ) -> Result<Admission, AdmitError> {
        self.actors.admit.submit(batch::Item { request, matcher }).await?.map_err(AdmitError::Unreadable)
    }
}
