//! The line's stages and the exchanges between them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{ClinicId, LaneName};

/// One consumer of the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Admits, maps, validates and matches.
    Validation,
    /// Asks the payer.
    Eligibility,
    /// Writes to the EHR, once.
    EhrWriter,
    /// Tells the patient.
    Notification,
}

impl Stage {
    /// In the order of the line.
    pub const ALL: [Self; 4] = [Self::Validation, Self::Eligibility, Self::EhrWriter, Self::Notification];

    /// The stage's name in queues, rows, metrics and programs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Validation => "validation",
            Self::Eligibility => "eligibility",
            Self::EhrWriter => "ehr-writer",
            Self::Notification => "notification",
        }
    }

    /// The stage that reads what this one hands on.
    pub fn next(self) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.reads() == self.writes())
    }

    /// The stage whose messages this one reads; the first reads what comes from outside.
    pub fn previous(self) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.next() == Some(self))
    }

    /// The exchange that the stage's queues are bound to.
    pub const fn reads(self) -> Exchange {
        match self {
            Self::Validation => Exchange::Ingest,
            Self::Eligibility => Exchange::Validated,
            Self::EhrWriter => Exchange::Checked,
            Self::Notification => Exchange::Written,
        }
    }

    /// The exchange that the stage hands on to.
    pub const fn writes(self) -> Exchange {
        match self {
            Self::Validation => Exchange::Validated,
            Self::Eligibility => Exchange::Checked,
            Self::EhrWriter => Exchange::Written,
            Self::Notification => Exchange::Notified,
        }
    }

    /// `<stage>.<lane>`.
    pub fn queue(self, lane: &LaneName) -> String {
        format!("{self}.{lane}")
    }

    /// `<stage>.<lane>.dlx`, the queue's own dead-letter exchange.
    pub fn dead_letter_exchange(self, lane: &LaneName) -> String {
        format!("{self}.{lane}.dlx")
    }

    /// `<stage>.<lane>.dlq`, where its dead letters lie.
    pub fn dead_letter_queue(self, lane: &LaneName) -> String {
        format!("{self}.{lane}.dlq")
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Stage {
    type Err = UnknownStage;
    fn from_str(text: &str) -> Result<Self, UnknownStage> {
        Self::ALL.into_iter().find(|s| s.as_str() == text).ok_or(UnknownStage)
    }
}

/// The text names no stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a stage: validation, eligibility, ehr-writer or notification")]
pub struct UnknownStage;

/// A durable topic exchange, named after the fact that it announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Exchange {
    /// A submission arrived.
    Ingest,
    /// An intake was validated.
    Validated,
    /// Its coverage was checked.
    Checked,
    /// It is in the EHR.
    Written,
    /// The patient was told.
    Notified,
}

impl Exchange {
    /// In the order of the line.
    pub const ALL: [Self; 5] = [Self::Ingest, Self::Validated, Self::Checked, Self::Written, Self::Notified];

    /// The exchange's name on the broker.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "intake.ingest",
            Self::Validated => "intake.validated",
            Self::Checked => "intake.checked",
            Self::Written => "intake.written",
            Self::Notified => "intake.notified",
        }
    }

    /// `clinic.<clinic_id>`.
    pub fn routing_key(clinic: &ClinicId) -> String {
        format!("clinic.{clinic}")
    }
}
