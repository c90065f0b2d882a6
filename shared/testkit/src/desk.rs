//! What tests of a stage's handler begin with: one adult's intake, its metadata, keys, and a clock that tests move.

use std::sync::{Arc, Mutex, PoisonError};

use domain::{
    AdmissionId, ClinicId, CorrelationId, Meta, PersonId, SubmissionId,
    blind::IndexKey,
    clock::{Clock, SystemClock},
    ids::SourceName,
    intake::{AppointmentRequest, Communication, Consents, Coverage, Intake, Patient, Sex, VisitKind},
    meta::Mode,
    seal::{Keyring, SealError},
};
use jiff::{SignedDuration, Timestamp, civil::date};
use uuid::Uuid;

/// The clinic of every test message: one of the checkout's.
pub const CLINIC: &str = "clinic-01";

/// When the tests' visit starts: 1 February 2027, 14:20 UTC.
pub const START: i64 = 1_801_491_600;

/// A clock that stands still, at 7 January 2027, 09:00 UTC, until it is moved.
pub struct DeskClock(Mutex<Timestamp>);

impl Default for DeskClock {
    fn default() -> Self {
        Self(Mutex::new(moment(1_799_312_400)))
    }
}

impl DeskClock {
    /// Moves it on.
    pub fn forward(&self, seconds: i64) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *now += SignedDuration::from_secs(seconds);
    }
}

impl Clock for DeskClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fresh_id(&self) -> Uuid {
        SystemClock.fresh_id()
    }
}

fn moment(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// An invented adult who asks for a visit, consents to treatment and to both channels, and is insured.
pub fn intake() -> Intake {
    Intake {
        patient: Patient {
            given: "Ada".to_owned(),
            middle: None,
            family: "Okafor".to_owned(),
            birth_date: date(1950, 1, 3),
            sex: Sex::Female,
            phone: Some("+12025550150".to_owned()),
            email: Some("ada@example.com".to_owned()),
            address: None,
        },
        guardian: None,
        coverage: Some(Coverage { payer: "Aetna".to_owned(), member_id: "W7".to_owned(), group: None }),
        appointment: AppointmentRequest {
            kind: VisitKind::NewPatient,
            provider: "provider-1".to_owned(),
            start: moment(START),
        },
        consents: Consents { treatment: true, sms: true, email: true, part2: None },
        reason: None,
        communication: Communication::default(),
        referral: None,
    }
}

/// Metadata of a submission that was admitted, for a person of its own.
///
/// # Errors
/// Never: the constants fit the types' rules.
pub fn meta() -> Result<Meta, domain::ids::IdError> {
    let now = DeskClock::default().now();
    Ok(Meta {
        submission: SubmissionId::parse("s-1")?,
        clinic: ClinicId::parse(CLINIC)?,
        source: SourceName::parse("web_form")?,
        submitted_at: now,
        received_at: now,
        correlation: CorrelationId::from_uuid(SystemClock.fresh_id()),
        admission: Some(AdmissionId::from_uuid(SystemClock.fresh_id())),
        person: Some(PersonId::from_uuid(SystemClock.fresh_id())),
        template: None,
        mode: Mode::Live,
        appointment_at: Some(moment(START)),
    })
}

/// A sealing key.
///
/// # Errors
/// Never: it has 32 bytes.
pub fn keys() -> Result<Arc<Keyring>, SealError> {
    Keyring::new([("2027-01".to_owned(), vec![1; 32])]).map(Arc::new)
}

/// A key of the blind indexes.
pub fn index() -> Arc<IndexKey> {
    Arc::new(IndexKey::new(&[7; 32]))
}
