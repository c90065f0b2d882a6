//! What an EHR promises, as far as the ledger must know it.

use jiff::{SignedDuration, Timestamp};

/// How far an ambiguous write to this EHR can be cleared up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// It keeps our identifier unique by itself, atomically.
    A,
    /// Our identifier can be searched for, and a write lands within a bounded time or never.
    B,
    /// Neither: ambiguity goes to a person.
    C,
}

/// The times and the class that [`step`](super::step) decides by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Policy {
    /// What the EHR can do about ambiguity.
    pub class: Class,
    /// How long a worker may take for one write. Longer than the HTTP deadline, which the worker keeps.
    pub lease: SignedDuration,
    /// How long after it was given up a write may still land. Searches that begin earlier prove nothing.
    pub lateness: SignedDuration,
    /// How long a landed write may be invisible to searches. Two empty searches must lie further apart.
    pub index_lag: SignedDuration,
}

impl Policy {
    /// Whether an ambiguous write can be searched for.
    pub const fn searchable(&self) -> bool {
        !matches!(self.class, Class::C)
    }
}

/// A moment later by a duration, at most the end of time.
pub(super) fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}
