//! What workers are given.

use jiff::Timestamp;
use uuid::Uuid;

use super::{Kind, LeaseToken, Policy, Resource};
use crate::AdmissionId;

/// Whether the write makes a resource or changes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Makes it.
    Create,
    /// Changes it.
    Update,
}

/// The right to write once, until the lease ends. Not to be cloned: one lease, one write. Only a [`Book`](super::Book)
/// gives one.
#[derive(Debug)]
pub struct Permit {
    pub(super) of: OpRef,
    /// The fencing token.
    pub token: LeaseToken,
    /// When the lease ends. Check it right before the first byte leaves.
    pub until: Timestamp,
    /// Make or change.
    pub role: Role,
    /// For a change (and for the release of a slot): what is there, with the version to send as `If-Match`.
    pub resource: Option<Resource>,
}

/// The duty to search before anything else.
#[derive(Debug)]
pub struct Ticket {
    pub(super) of: OpRef,
    /// The lease whose write is in doubt.
    pub token: LeaseToken,
    /// A search that begins earlier does not count. Snooze until then.
    pub not_before: Timestamp,
    /// Whether the write in doubt makes or changes.
    pub role: Role,
    /// For a change: what was there before the write in doubt. The search reads it and compares.
    pub resource: Option<Resource>,
}

impl Permit {
    /// Which attempt this is, from 1.
    pub const fn attempt(&self) -> u32 {
        self.token.0
    }

    /// The kind of the effect.
    pub const fn kind(&self) -> Kind {
        self.of.kind
    }

    /// Whose outcome will be told.
    pub const fn of(&self) -> OpRef {
        self.of
    }
}

impl Ticket {
    /// The kind of the effect in doubt.
    pub const fn kind(&self) -> Kind {
        self.of.kind
    }

    /// The submission whose write is in doubt: not always the one that asked.
    pub const fn admission(&self) -> AdmissionId {
        self.of.admission
    }

    /// Whose search will be told.
    pub const fn of(&self) -> OpRef {
        self.of
    }
}

/// Which effect, as its row is found again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OpRef {
    pub(super) op: Uuid,
    pub(super) slot: Option<Uuid>,
    pub(super) admission: AdmissionId,
    pub(super) kind: Kind,
    pub(super) policy: Policy,
}

impl OpRef {
    /// The row's id.
    pub const fn op(&self) -> Uuid {
        self.op
    }

    /// The id of the slot that it shares, if it shares one.
    pub const fn slot(&self) -> Option<Uuid> {
        self.slot
    }
}
