//! Submissions that something names, to choose from; and if it is one, its life.

use domain::{AdmissionId, Code, CorrelationId, SubmissionId};
use jiff::Timestamp;
use ledger::{look_up::Naming, read::Status};
use serde::Serialize;

use super::Admission;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Traced {
    /// The submissions, in the order of admission.
    pub matches: Vec<Match>,
    /// Whether there are more than are told.
    pub more: bool,
    /// The life of the submission; absent if there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admission: Option<Admission>,
}

/// One submission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Match {
    /// Its row: names it and nothing else.
    pub admission_id: AdmissionId,
    /// The sender's identifier.
    pub submission_id: SubmissionId,
    /// The clinic.
    pub clinic_id: String,
    /// What it was found by.
    pub by: &'static str,
    /// Whether it is a refused copy with other content.
    pub copy: bool,
    /// Where it stands.
    pub state: &'static str,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
    /// The correlation id.
    pub correlation_id: CorrelationId,
    /// When it was first seen.
    pub received_at: Timestamp,
}

impl Match {
    /// From the ledger's row.
    pub fn new(by: Naming, status: &Status) -> Self {
        Self {
            admission_id: status.admission,
            submission_id: status.submission.clone(),
            clinic_id: status.clinic.to_string(),
            by: by.as_str(),
            copy: status.copy,
            state: status.state.as_str(),
            code: status.code,
            correlation_id: status.correlation,
            received_at: status.received_at,
        }
    }
}
