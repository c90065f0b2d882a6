//! The canonical intake: what every form becomes. Names follow HL7 FHIR R4 where it has the notion.
//!
//! Nothing here implements `Debug`: all of it is PHI. It travels inside [`Phi`](crate::Phi) and is serialised only to be sealed.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

/// One person's intake at one clinic.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Intake {
    /// Who comes.
    pub patient: Patient,
    /// Who acts for a minor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guardian: Option<Guardian>,
    /// Who pays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage: Option<Coverage>,
    /// What is asked for.
    pub appointment: AppointmentRequest,
    /// What the patient agreed to.
    pub consents: Consents,
    /// Why they come, in their words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How they like to be told.
    #[serde(default)]
    pub communication: Communication,
    /// Who sent them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub referral: Option<Referral>,
}

/// The patient.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Patient {
    /// Given name, as people write it (NFC, trimmed, inner spaces single).
    pub given: String,
    /// Middle name or initial.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub middle: Option<String>,
    /// Family name.
    pub family: String,
    /// Date of birth.
    pub birth_date: Date,
    /// Administrative sex.
    pub sex: Sex,
    /// Phone in E.164, without extension.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// E-mail in lower case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Home address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
}

/// FHIR `administrative-gender`.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Sex {
    /// Female.
    Female,
    /// Male.
    Male,
    /// Other.
    Other,
    /// Not said.
    Unknown,
}

impl Sex {
    /// The FHIR code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Female => "female",
            Self::Male => "male",
            Self::Other => "other",
            Self::Unknown => "unknown",
        }
    }
}

/// A postal address.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Address {
    /// Street lines.
    pub lines: Vec<String>,
    /// City.
    pub city: String,
    /// State: the two-letter postal code.
    pub state: String,
    /// Postal code.
    pub postal_code: String,
}

/// A minor's guardian.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Guardian {
    /// Full name.
    pub name: String,
    /// Phone in E.164; the patient's phone if the form has no other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
}

/// Insurance as the patient states it.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Coverage {
    /// The payer's name, as configured (`Aetna`, not `AETNA`).
    pub payer: String,
    /// Member id, upper case.
    pub member_id: String,
    /// Group number, upper case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}

/// The visit that is asked for.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AppointmentRequest {
    /// Kind of visit.
    pub kind: VisitKind,
    /// The practitioner's identifier at the clinic.
    pub provider: String,
    /// Start.
    pub start: Timestamp,
}

/// Kind of visit.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum VisitKind {
    /// First visit.
    NewPatient,
    /// Follow-up.
    FollowUp,
    /// Procedure.
    Procedure,
    /// By video or phone.
    Telehealth,
}

impl VisitKind {
    /// The name used in messages and rows.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NewPatient => "new_patient",
            Self::FollowUp => "follow_up",
            Self::Procedure => "procedure",
            Self::Telehealth => "telehealth",
        }
    }
}

/// What the patient agreed to. Absent is not given.
#[derive(Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Consents {
    /// Treatment.
    pub treatment: bool,
    /// Text messages (TCPA: prior express consent).
    pub sms: bool,
    /// E-mail.
    pub email: bool,
    /// Disclosure of substance-use treatment records (42 CFR Part 2); `None` where the form does not ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part2: Option<bool>,
}

/// How the patient likes to be told.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Communication {
    /// Language, BCP 47.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

/// Who referred the patient.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Referral {
    /// The referring practitioner's name.
    pub practitioner: String,
    /// Their NPI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub npi: Option<String>,
}

impl Patient {
    /// Age in full years on a day.
    pub fn age_on(&self, day: Date) -> i16 {
        let years = day.year() - self.birth_date.year();
        let before = (day.month(), day.day()) < (self.birth_date.month(), self.birth_date.day());
        years - i16::from(before)
    }
}
