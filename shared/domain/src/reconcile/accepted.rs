//! What a gateway accepted.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{ClinicId, SubmissionId, ids::SourceName};

/// A submission that a gateway answered with 202. Clinic and identifier name it: sent again, it is the same one. No PHI.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// The sender's identifier, or what the gateway made in its place.
    pub submission: SubmissionId,
    /// For which clinic.
    pub clinic: ClinicId,
    /// From where.
    pub source: SourceName,
    /// When it came in.
    pub received_at: Timestamp,
}
