//! The resource types that the sandbox keeps.

use serde::{Deserialize, Serialize};

/// A FHIR resource type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// Patient.
    Patient,
    /// Coverage.
    Coverage,
    /// Slot.
    Slot,
    /// Appointment.
    Appointment,
    /// `RelatedPerson`.
    RelatedPerson,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Patient, Self::Coverage, Self::Slot, Self::Appointment, Self::RelatedPerson];

    /// The FHIR name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Patient => "Patient",
            Self::Coverage => "Coverage",
            Self::Slot => "Slot",
            Self::Appointment => "Appointment",
            Self::RelatedPerson => "RelatedPerson",
        }
    }

    /// The kind of this FHIR name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}
