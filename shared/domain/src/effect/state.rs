//! Where an effect stands.

use jiff::Timestamp;

use crate::Code;

/// The fencing token of one lease: the number of the attempt, from 1, never used twice for one effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeaseToken(pub u32);

/// A resource in the EHR.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Resource {
    /// The EHR's id.
    pub id: String,
    /// The version as the EHR names it (an `ETag`, opaque), if it said one.
    pub version: Option<String>,
}

/// Where an effect stands.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum State {
    /// Nothing is under way, and nothing of it is in the EHR.
    Ready,
    /// A worker may be writing.
    Intent {
        /// Whose lease it is.
        token: LeaseToken,
        /// When the lease ends.
        until: Timestamp,
    },
    /// It is in the EHR.
    Done(Resource),
    /// The EHR refused it for good.
    Rejected {
        /// Why.
        code: Code,
    },
    /// It may or may not be in the EHR.
    Unknown {
        /// The lease under which it was written.
        token: LeaseToken,
        /// When the outcome was given up.
        since: Timestamp,
        /// When the first empty search that counts began.
        empty: Option<Timestamp>,
    },
    /// The EHR holds several, or one that disagrees.
    Conflict,
    /// It may or may not be in the EHR, and the EHR cannot be asked.
    Parked,
}

impl State {
    /// The name in rows, metrics and reports.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Intent { .. } => "intent",
            Self::Done(_) => "done",
            Self::Rejected { .. } => "rejected",
            Self::Unknown { .. } => "unknown",
            Self::Conflict => "conflict",
            Self::Parked => "parked",
        }
    }

    /// Whether no event changes it any more.
    pub const fn is_final(&self) -> bool {
        matches!(self, Self::Done(_) | Self::Rejected { .. } | Self::Conflict | Self::Parked)
    }
}
