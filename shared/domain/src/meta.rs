//! The clear part of an envelope: what routing and operations need, and nothing about a person.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::{AdmissionId, ClinicId, CorrelationId, PersonId, SourceName, SubmissionId};

/// A clinic's template, by name and version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TemplateRef {
    /// The template's name: the clinic's folder.
    pub id: String,
    /// Its version.
    pub version: u32,
}

/// `<id>@<version>`.
impl fmt::Display for TemplateRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.id, self.version)
    }
}

/// Whether effects are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The real thing.
    #[default]
    Live,
}

/// Clear metadata of a submission. No PHI.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Meta {
    /// The sender's identifier.
    pub submission: SubmissionId,
    /// The clinic.
    pub clinic: ClinicId,
    /// Where it came from.
    pub source: SourceName,
    /// When the sender says it was made.
    pub submitted_at: Timestamp,
    /// When we first saw it.
    pub received_at: Timestamp,
    /// Ties everything together.
    pub correlation: CorrelationId,
    /// The admission row, from validation on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admission: Option<AdmissionId>,
    /// The person that matching found or made, from validation on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonId>,
    /// The template that mapped the form, from validation on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<TemplateRef>,
    /// Whether effects are wanted.
    #[serde(default)]
    pub mode: Mode,
    /// The requested appointment's start, from validation on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub appointment_at: Option<Timestamp>,
}
