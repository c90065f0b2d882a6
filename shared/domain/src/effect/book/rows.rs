//! What is stored: the rows that a [`Book`](super::Book) decides on.

use uuid::Uuid;

use super::super::{Kind, Resource, Role, SlotKey, State};
use crate::{AdmissionId, Code};

/// How a row in memory differs from what is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mark {
    /// Not at all.
    Stored,
    /// It has changed.
    Changed,
    /// It is new.
    Fresh,
}

impl Mark {
    /// Notes a change. What is new stays new.
    pub(super) fn touch(&mut self) {
        if *self == Self::Stored {
            *self = Self::Changed;
        }
    }
}

/// An effect.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Op {
    /// Its id.
    pub op: Uuid,
    /// Of which submission.
    pub admission: AdmissionId,
    /// What it writes.
    pub kind: Kind,
    /// Whether it is the submission's present round; of each kind one is.
    pub in_force: bool,
    /// The slot that it shares with effects of other submissions, if it shares one.
    pub slot: Option<Uuid>,
    /// Make or change; decided when the lease is given.
    pub role: Role,
    /// The opaque value that is written into the resource.
    pub idempotency: Vec<u8>,
    /// The submission's place in the order of admission.
    pub seq: i64,
    /// Where it stands.
    pub state: State,
    /// Attempts begun: the number of the last is its lease's token.
    pub attempts: u32,
    /// Searches told.
    pub searches: i32,
    /// What an update changes, or a release gives back, as it was when the lease was given.
    pub before: Option<Resource>,
    /// Whether it is to be stored.
    pub mark: Mark,
}

/// What several submissions share.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Slot {
    /// Its id.
    pub slot: Uuid,
    /// How it is found.
    pub key: SlotKey,
    /// The effect that has, or had last, the right to write.
    pub owner: Uuid,
    /// What is there, as far as it was told.
    pub resource: Option<Resource>,
    /// The place in the order of admission up to which updates are passed by: that of what was written last, or the one
    /// before what may have been; 0 before that.
    pub written: i64,
    /// Whether it is to be stored.
    pub mark: Mark,
}

/// A line of the record of leases, outcomes and searches.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Trail {
    /// Of which effect.
    pub op: Uuid,
    /// Of which submission.
    pub admission: AdmissionId,
    /// What the effect writes.
    pub kind: Kind,
    /// Attempts begun until then.
    pub attempt: u32,
    /// What happened.
    pub event: &'static str,
    /// Where the effect stands since then: [`State::as_str`].
    pub state: &'static str,
    /// Why, if it was refused.
    pub code: Option<Code>,
}
