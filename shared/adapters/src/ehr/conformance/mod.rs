//! What every EHR adapter must do, against an EHR that works. Run it on each new vendor's sandbox.
//!
//! The suite asserts: a failure says which promise was broken. It writes a few resources of an invented person, under
//! identifiers that start with the world's seed, and books one of two slots.

mod booking;
mod ours;
mod records;

use std::time::Duration;

use domain::intake::{Address, Coverage, Guardian, Patient, Sex, VisitKind};
use jiff::{Timestamp, civil::date};

use super::{AppointmentWrite, CoverageWrite, Ehr, PatientWrite, Search, Wanted, WriteOutcome};

/// What the suite may use of the EHR.
pub struct World<'a> {
    /// Makes the identifiers of this run unlike those of all others.
    pub seed: &'a str,
    /// A provider with free slots at `starts`; unused where the profile has none.
    pub provider: &'a str,
    /// Starts of two free slots.
    pub starts: [Timestamp; 2],
}

/// Runs the whole suite.
pub async fn run(ehr: &dyn Ehr, world: &World<'_>) {
    let id = records::patients(ehr, world).await;
    ours::pages(ehr, world).await;
    if ehr.profile().can_write_coverage {
        records::coverages(ehr, world, &id).await;
    }
    if ehr.profile().has_slots {
        booking::slots(ehr, world).await;
    }
    if ehr.profile().can_book {
        booking::appointments(ehr, world, &id).await;
    }
}

/// An invented minor with everything that an intake can state.
pub fn patient(identifier: &str) -> PatientWrite {
    PatientWrite {
        identifier: identifier.to_owned(),
        patient: Patient {
            given: "Zelda".to_owned(),
            middle: Some("Q".to_owned()),
            family: "O'Conform Nuñez".to_owned(),
            birth_date: date(2015, 2, 28),
            sex: Sex::Female,
            phone: Some("+12125550143".to_owned()),
            email: Some("zelda@example.com".to_owned()),
            address: Some(Address {
                lines: vec!["1 Test Street".to_owned(), "Apt 9".to_owned()],
                city: "Albany".to_owned(),
                state: "NY".to_owned(),
                postal_code: "12207".to_owned(),
            }),
        },
        guardian: Some(Guardian {
            name: "Yolanda Conform".to_owned(),
            phone: Some("+12125550144".to_owned()),
        }),
        language: Some("en".to_owned()),
    }
}

/// Her coverage.
pub fn coverage(identifier: &str, patient_id: &str) -> CoverageWrite {
    CoverageWrite {
        identifier: identifier.to_owned(),
        patient_id: patient_id.to_owned(),
        coverage: Coverage {
            payer: "Aetna".to_owned(),
            member_id: "W123456789".to_owned(),
            group: Some("GRP-7".to_owned()),
        },
        begin: Some(date(2026, 1, 1)),
        end: None,
    }
}

/// Her visit.
pub fn appointment(identifier: &str, patient_id: &str, provider: &str, start: Timestamp) -> AppointmentWrite {
    AppointmentWrite {
        identifier: identifier.to_owned(),
        patient_id: patient_id.to_owned(),
        slot_id: None,
        kind: VisitKind::NewPatient,
        provider: provider.to_owned(),
        location: "Conformance Clinic".to_owned(),
        start,
        minutes: 20,
        reason: Some("Cough".to_owned()),
    }
}

/// The id of a write that must have been done.
fn done(outcome: &WriteOutcome, what: &str) -> String {
    let WriteOutcome::Done { id, .. } = outcome else { return fail(&format!("{what}: {outcome:?}")) };
    assert!(!id.is_empty(), "{what}: done without an id");
    id.clone()
}

fn fail<T>(what: &str) -> T {
    #[allow(clippy::panic, reason = "a conformance suite fails by panicking, as assert does")]
    {
        panic!("{what}")
    }
}

/// Searches until something is found, for as long as the EHR may lag.
async fn found(ehr: &dyn Ehr, wanted: Wanted<'_>) -> Search {
    let patience = ehr.profile().search_lag + ehr.deadline() + Duration::from_secs(1);
    let search = async {
        loop {
            match ehr.find(wanted).await {
                Search::None => tokio::time::sleep(Duration::from_millis(50)).await,
                found => return found,
            }
        }
    };
    tokio::time::timeout(patience, search).await.unwrap_or(Search::None)
}
