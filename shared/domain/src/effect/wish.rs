//! What workers ask for.

use super::{Kind, Policy};
use crate::{AdmissionId, ClinicId, PersonId, blind::BlindIndex};

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

impl BeginEffect {
    /// The slot that the effect shares with those of other submissions, if it shares one.
    pub fn slot_key(&self) -> Option<SlotKey> {
        let key = match self.target {
            Target::Patient => Vec::new(),
            Target::Coverage { key } => key.as_bytes().to_vec(),
            Target::Slot | Target::Appointment | Target::SlotRelease => return None,
        };
        Some(SlotKey { clinic: self.clinic.clone(), person: self.person, kind: self.target.kind(), key })
    }

    /// The kinds of the submission's effects that the decision depends on.
    pub const fn looks_at(&self) -> &'static [Kind] {
        match self.target {
            Target::Patient => &[Kind::Patient],
            Target::Coverage { .. } => &[Kind::Coverage],
            Target::Slot => &[Kind::Slot, Kind::SlotRelease],
            Target::Appointment => &[Kind::Appointment],
            Target::SlotRelease => &[Kind::Slot, Kind::SlotRelease, Kind::Appointment],
        }
    }
}

/// How a shared slot is found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SlotKey {
    /// At which clinic.
    pub clinic: ClinicId,
    /// Of whom.
    pub person: PersonId,
    /// What.
    pub kind: Kind,
    /// Which of several; empty where a person has one only.
    pub key: Vec<u8>,
}
