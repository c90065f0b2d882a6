//! Payers' answers of the day, and whom to ask about again. Touches no table of the EHR-writer.

mod cache;
mod recheck;

use domain::{AdmissionId, ClinicId, blind::BlindIndex, messages::EligibilityStatus};
use jiff::{Timestamp, civil::Date};

pub(crate) use cache::{Cached, Caching};

/// A payer's answer, kept for the day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CachedAnswer {
    /// The status.
    pub status: EligibilityStatus,
    /// The whole answer, sealed by the caller.
    pub sealed: Option<Vec<u8>>,
    /// When the payer gave it.
    pub answered_at: Timestamp,
}

/// What an answer is found by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AnswerKey {
    /// Blind index of payer and member.
    pub member: BlindIndex,
    /// The day of the answer.
    pub day: Date,
}

/// Somebody to ask about again before the visit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recheck {
    /// The submission.
    pub admission: AdmissionId,
    /// The clinic.
    pub clinic: ClinicId,
    /// When to ask.
    pub due_at: Timestamp,
    /// After this moment the answer is of no use: the visit.
    pub before: Timestamp,
    /// The sealed envelope with what to ask.
    pub envelope: Vec<u8>,
}

/// What came of asking again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rechecked {
    /// The payer answered: recorded with the submission.
    Answered(EligibilityStatus),
    /// Still nothing: again at this time, if the visit is not before it.
    Later(Timestamp),
}
