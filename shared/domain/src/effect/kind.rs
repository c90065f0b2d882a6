//! What an effect writes.

use std::fmt;

/// The kind of an effect. One submission has at most one of each in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Creates or updates the patient.
    Patient,
    /// Creates the coverage.
    Coverage,
    /// Claims the slot (makes it busy).
    Slot,
    /// Books the appointment.
    Appointment,
    /// Gives a claimed slot back.
    SlotRelease,
}

impl Kind {
    /// In the order in which a writer goes through them.
    pub const ALL: [Self; 5] =
        [Self::Patient, Self::Coverage, Self::Slot, Self::Appointment, Self::SlotRelease];

    /// The name in rows, metrics and reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Patient => "patient",
            Self::Coverage => "coverage",
            Self::Slot => "slot",
            Self::Appointment => "appointment",
            Self::SlotRelease => "slot_release",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Kind {
    type Err = UnknownKind;
    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(UnknownKind)
    }
}

/// The text names no kind of effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a kind of effect")]
pub struct UnknownKind;
