//! What an EHR can do, as data.

use std::time::Duration;

use domain::effect::Class;

/// What an EHR can do. Nothing else decides what the stages try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// The name in configuration.
    pub name: &'static str,
    /// How far it helps against writing twice.
    pub class: Class,
    /// Patients can be created.
    pub can_create_patient: bool,
    /// Patients can be updated.
    pub can_update_patient: bool,
    /// `If-None-Exist` is understood: extra protection, never the only one, as many servers do not make it atomic.
    pub conditional_create: bool,
    /// Coverages can be created and updated.
    pub can_write_coverage: bool,
    /// Appointments can be created.
    pub can_book: bool,
    /// Slots can be found and claimed.
    pub has_slots: bool,
    /// Patients can be searched by family name and birth date.
    pub can_match: bool,
    /// Whether to look for a patient that the clinic already has before creating one.
    pub match_before_create: bool,
    /// How long a write may take to show in a search.
    pub search_lag: Duration,
    /// How long after we gave it up a write may still land.
    pub lateness: Duration,
    /// The SMART scopes that the above needs, and no more.
    pub scopes: &'static [&'static str],
}

impl Profile {
    /// A FHIR R4 server that offers everything that we use.
    pub const FHIR: Self = Self {
        name: "fhir",
        class: Class::B,
        can_create_patient: true,
        can_update_patient: true,
        conditional_create: true,
        can_write_coverage: true,
        can_book: true,
        has_slots: true,
        can_match: true,
        match_before_create: true,
        search_lag: Duration::from_secs(2),
        lateness: Duration::from_secs(10),
        scopes: &[
            "system/Patient.crus",
            "system/Coverage.crus",
            "system/Appointment.crs",
            "system/Slot.rus",
            "system/Schedule.rs",
        ],
    };

    /// What Epic's public sandbox advertises (CapabilityStatement of May 2026): patients can be created and read, not
    /// updated; no conditional create; coverage is read-only; no booking, no slots. The rest is a task for a person.
    pub const FHIR_NO_BOOKING: Self = Self {
        name: "fhir-no-booking",
        class: Class::B,
        can_create_patient: true,
        can_update_patient: false,
        conditional_create: false,
        can_write_coverage: false,
        can_book: false,
        has_slots: false,
        can_match: true,
        match_before_create: true,
        search_lag: Duration::from_secs(5),
        lateness: Duration::from_secs(30),
        scopes: &["system/Patient.crs"],
    };

    /// A FHIR R4 server that offers everything but `If-None-Exist`: nothing there keeps a second resource out, so that only what
    /// we do ourselves does.
    pub const FHIR_UNCONDITIONAL: Self =
        Self { name: "fhir-unconditional", conditional_create: false, ..Self::FHIR };

    /// Every profile, by name in configuration.
    pub const ALL: [Self; 3] = [Self::FHIR, Self::FHIR_UNCONDITIONAL, Self::FHIR_NO_BOOKING];

    /// The profile of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.name == name)
    }
}
