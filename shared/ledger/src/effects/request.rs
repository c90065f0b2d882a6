//! What workers ask for, and what they are given.

use domain::{
    AdmissionId, ClinicId, PersonId,
    blind::BlindIndex,
    effect::{Kind, LeaseToken, Policy, Resource},
};
use jiff::Timestamp;
use uuid::Uuid;

/// What an effect is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Target {
    /// The person's patient resource: created once, then updated in the order of admission.
    Patient,
    /// One coverage of the person: created once, then reused.
    Coverage {
        /// Blind index of payer and member.
        key: BlindIndex,
    },
    /// The requested slot.
    Slot,
    /// The appointment.
    Appointment,
    /// Giving back the slot that this submission claimed.
    SlotRelease,
}

impl Target {
    /// Its kind.
    pub const fn kind(self) -> Kind {
        match self {
            Self::Patient => Kind::Patient,
            Self::Coverage { .. } => Kind::Coverage,
            Self::Slot => Kind::Slot,
            Self::Appointment => Kind::Appointment,
            Self::SlotRelease => Kind::SlotRelease,
        }
    }
}

/// A worker wants to write.
#[derive(Debug, Clone)]
pub struct BeginEffect {
    /// For which submission.
    pub admission: AdmissionId,
    /// At which clinic.
    pub clinic: ClinicId,
    /// For whom.
    pub person: PersonId,
    /// What.
    pub target: Target,
    /// The opaque value that is written into the resource, and searched for.
    pub idempotency: BlindIndex,
    /// What the clinic's EHR promises.
    pub policy: Policy,
}

/// Whether the write makes a resource or changes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Makes it.
    Create,
    /// Changes it.
    Update,
}

/// The right to write once, until the lease ends. Not to be cloned: one lease, one write.
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
}

/// Which row.
#[derive(Debug, Clone, Copy)]
pub(super) struct OpRef {
    pub(super) op: Uuid,
    pub(super) slot: Option<Uuid>,
    pub(super) admission: AdmissionId,
    pub(super) kind: Kind,
    pub(super) policy: Policy,
}
