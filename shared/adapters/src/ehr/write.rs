//! What we ask an EHR to hold. All of it is PHI: no `Debug`.

use domain::intake::{Coverage, Guardian, Patient, VisitKind};
use jiff::{Timestamp, civil::Date};

/// The identifier systems that we write into resources. The values are opaque hexadecimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    /// On a Patient: one person at one clinic.
    Patient,
    /// On a Coverage.
    Coverage,
    /// On an Appointment: one request.
    Appointment,
    /// On a Slot: the request that claimed it.
    Slot,
}

impl System {
    /// The system's URI.
    pub const fn uri(self) -> &'static str {
        match self {
            Self::Patient => "urn:frontdesk:patient",
            Self::Coverage => "urn:frontdesk:coverage",
            Self::Appointment => "urn:frontdesk:appointment",
            Self::Slot => "urn:frontdesk:slot",
        }
    }

    /// The FHIR resource type that carries it.
    pub const fn resource(self) -> &'static str {
        match self {
            Self::Patient => "Patient",
            Self::Coverage => "Coverage",
            Self::Appointment => "Appointment",
            Self::Slot => "Slot",
        }
    }
}

/// A patient to create or update.
#[derive(Clone)]
pub struct PatientWrite {
    /// Our opaque value under [`System::Patient`].
    pub identifier: String,
    /// Who.
    pub patient: Patient,
    /// Who acts for a minor.
    pub guardian: Option<Guardian>,
    /// Preferred language, BCP 47.
    pub language: Option<String>,
}

/// A coverage to create or update.
#[derive(Clone)]
pub struct CoverageWrite {
    /// Our opaque value under [`System::Coverage`].
    pub identifier: String,
    /// The EHR's id of the beneficiary.
    pub patient_id: String,
    /// As the patient states it.
    pub coverage: Coverage,
    /// First day, if the payer said.
    pub begin: Option<Date>,
    /// Last day, if the payer said.
    pub end: Option<Date>,
}

/// An appointment to create.
#[derive(Clone)]
pub struct AppointmentWrite {
    /// Our opaque value under [`System::Appointment`].
    pub identifier: String,
    /// The EHR's id of the patient.
    pub patient_id: String,
    /// The EHR's id of the claimed slot, where there are slots.
    pub slot_id: Option<String>,
    /// Kind of visit.
    pub kind: VisitKind,
    /// The practitioner's identifier at the clinic.
    pub provider: String,
    /// The clinic's name.
    pub location: String,
    /// Start.
    pub start: Timestamp,
    /// Length.
    pub minutes: u16,
    /// Why they come, in their words.
    pub reason: Option<String>,
}

/// What a search by identifier looks for: the write whose outcome is unknown.
#[derive(Clone, Copy)]
pub enum Wanted<'a> {
    /// A patient.
    Patient(&'a PatientWrite),
    /// A coverage.
    Coverage(&'a CoverageWrite),
    /// An appointment.
    Appointment(&'a AppointmentWrite),
}

impl Wanted<'_> {
    /// The system that the identifier is under.
    pub const fn system(&self) -> System {
        match self {
            Self::Patient(_) => System::Patient,
            Self::Coverage(_) => System::Coverage,
            Self::Appointment(_) => System::Appointment,
        }
    }

    /// The identifier's value.
    pub fn identifier(&self) -> &str {
        match self {
            Self::Patient(write) => &write.identifier,
            Self::Coverage(write) => &write.identifier,
            Self::Appointment(write) => &write.identifier,
        }
    }
}
