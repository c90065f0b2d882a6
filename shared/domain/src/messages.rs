//! The messages between the stages.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{Exchange, envelope::Secret, intake::Intake};

macro_rules! secret {
    ($type:ty, $schema:literal, $exchange:ident) => {
        impl Secret for $type {
            const SCHEMA: &'static str = $schema;
            const EXCHANGE: Exchange = Exchange::$exchange;
        }
    };
}

/// An intake that passed validation and has a person.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Validated {
    /// The canonical intake.
    pub intake: Intake,
}
secret!(Validated, "intake.validated.v1", Validated);

/// A validated intake whose coverage was asked about.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Checked {
    /// The canonical intake.
    pub intake: Intake,
    /// What the payer said.
    pub eligibility: Eligibility,
}
secret!(Checked, "intake.checked.v1", Checked);

/// An intake whose patient, coverage and appointment are in the EHR.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Written {
    /// The canonical intake.
    pub intake: Intake,
    /// The EHR's id of the patient.
    pub patient: String,
    /// The EHR's id of the coverage, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage: Option<String>,
    /// The EHR's id of the appointment.
    pub appointment: String,
    /// The appointment's length, minutes.
    pub minutes: u16,
}
secret!(Written, "intake.written.v1", Written);

/// The patient was told.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Notified {
    /// Over which channels.
    pub channels: Vec<Channel>,
}
secret!(Notified, "intake.notified.v1", Notified);

/// A way to reach the patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// E-mail.
    Email,
    /// Text message.
    Sms,
}

impl Channel {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Email, Self::Sms];

    /// The name in rows and reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
        }
    }
}

/// What is known about coverage. Payer down is never "bad member": these are five things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum EligibilityStatus {
    /// Covered on the day.
    Active,
    /// Known to the payer, not covered.
    Inactive,
    /// Not known to the payer.
    NotFound,
    /// The payer did not answer in its patience, or its answer does not say; asked again before the visit.
    Undetermined,
    /// No coverage was stated.
    NotAsked,
}

impl EligibilityStatus {
    /// The name in rows and reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::NotFound => "not_found",
            Self::Undetermined => "undetermined",
            Self::NotAsked => "not_asked",
        }
    }
}

/// What the payer said.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Eligibility {
    /// The status.
    pub status: EligibilityStatus,
    /// The plan's name, as the payer gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// First day of the plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan_begin: Option<Date>,
    /// Last day of the plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan_end: Option<Date>,
    /// Co-pay for an office visit, in US cents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copay_cents: Option<u32>,
    /// Deductible, in US cents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deductible_cents: Option<u32>,
    /// The patient's share of what a visit costs, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coinsurance_percent: Option<u8>,
}

impl Eligibility {
    /// A bare status.
    pub const fn bare(status: EligibilityStatus) -> Self {
        Self {
            status,
            plan: None,
            plan_begin: None,
            plan_end: None,
            copay_cents: None,
            deductible_cents: None,
            coinsurance_percent: None,
        }
    }
}
