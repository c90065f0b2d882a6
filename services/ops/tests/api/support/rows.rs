//! What the fake database has.

use domain::{
    AdmissionId, ClinicId, Code, CorrelationId, FieldPath, LaneName, MessageId, Stage, SubmissionId,
    clock::Clock as _, effect::Kind, hold::Candidate, ids::LetterId, messages::EligibilityStatus,
};
use jiff::Timestamp;
use ledger::{
    holds::{Held, HoldRow},
    letters::{LetterRow, LetterState},
    read::{EffectEvent, JournalRow, OutcomeRow, State, Status, Timeline},
};
use uuid::Uuid;

use super::TestClock;

pub(super) fn outcome(n: i64) -> OutcomeRow {
    OutcomeRow {
        submission_id: format!("s-{n}"),
        clinic_id: "clinic-01".to_owned(),
        state: "rejected",
        code: Some("missing_field"),
        field: Some("patient.given".to_owned()),
        patient: None,
        appointment: None,
        eligibility: None,
        notified: Some(vec![]),
    }
}

pub(super) fn status(id: &SubmissionId) -> Status {
    Status {
        admission: AdmissionId::from_uuid(Uuid::nil()),
        submission: id.clone(),
        clinic: ClinicId::parse("clinic-01").unwrap(),
        copy: false,
        correlation: CorrelationId::from_uuid(Uuid::nil()),
        submitted_at: TestClock.now(),
        received_at: TestClock.now(),
        settled_at: Some(TestClock.now()),
        person: None,
        duplicate_of: Some(SubmissionId::parse("s-0").unwrap()),
        state: State::Held,
        code: Some(Code::SlotTaken),
        field: Some(FieldPath::known("appointment.start")),
        eligibility: Some(EligibilityStatus::Active),
        patient: Some("p1".to_owned()),
        appointment: Some("a1".to_owned()),
        notified: Some(vec!["email".to_owned()]),
    }
}

pub(super) fn letter(nth: u128) -> LetterRow {
    let id = Uuid::from_u128(nth);
    LetterRow {
        id: LetterId::from_uuid(id),
        message_id: Some(MessageId::from_uuid(id)),
        stage: "ehr-writer".to_owned(),
        lane: "default".to_owned(),
        code: Some(Code::EhrRejected),
        field: Some("patient.given".to_owned()),
        endpoint: None,
        template: Some("clinic-01@1".to_owned()),
        fingerprint: "ehr-writer/ehr_rejected/patient.given/clinic-01@1".to_owned(),
        admission_id: Some(AdmissionId::from_uuid(id)),
        submission_id: Some(SubmissionId::parse("s-1").unwrap()),
        clinic_id: Some(ClinicId::parse("clinic-01").unwrap()),
        correlation_id: CorrelationId::from_uuid(id),
        trace_id: Some("0af7651916cd43dd8448eb211c80319c".to_owned()),
        attempts: 3,
        first_failed_at: Some(TestClock.now()),
        died_at: TestClock.now(),
        collected_at: TestClock.now(),
        appointment_at: Some(TestClock.now()),
        schema: "intake.checked.v1".to_owned(),
        state: LetterState::Open,
        state_at: None,
        plan_id: None,
    }
}

/// One that was not admitted.
pub(super) fn poison() -> LetterRow {
    LetterRow {
        code: Some(Code::Poison),
        fingerprint: "ehr-writer/poison/-/-".to_owned(),
        admission_id: None,
        submission_id: None,
        clinic_id: None,
        ..letter(2)
    }
}

pub(super) fn timeline() -> Timeline {
    let (at, code) = (TestClock.now(), Some(Code::SlotTaken));
    let hop = JournalRow {
        seq: 1,
        started_at: Timestamp::from_millisecond(at.as_millisecond() - 3).unwrap(),
        at,
        stage: "ehr-writer".to_owned(),
        lane: "default".to_owned(),
        event: "held".to_owned(),
        state: Some("held".to_owned()),
        code,
        field: Some("appointment.start".to_owned()),
        endpoint: Some("ehr:main".to_owned()),
        template: Some(("clinic-01".to_owned(), 1)),
        attempt: 1,
        trace_id: Some("0af7651916cd43dd8448eb211c80319c".to_owned()),
        actor: Some("line".to_owned()),
    };
    let effect = EffectEvent {
        at,
        kind: Kind::Slot,
        attempt: 1,
        event: "rejected".to_owned(),
        state: "rejected".to_owned(),
        code,
    };
    Timeline { hops: vec![hop], effects: vec![effect] }
}

/// A doubtful match.
pub(super) fn hold() -> Held {
    let row = HoldRow {
        admission_id: AdmissionId::from_uuid(Uuid::from_u128(1)),
        submission_id: SubmissionId::parse("s-1").unwrap(),
        clinic_id: ClinicId::parse("clinic-01").unwrap(),
        stage: Stage::Validation,
        lane: LaneName::parse("default").unwrap(),
        code: Code::DoubtfulMatch,
        field: None,
        since: TestClock.now(),
        appointment_at: Some(TestClock.now()),
    };
    let candidate = Candidate {
        id: Uuid::from_u128(7).to_string(),
        agrees: vec!["family".to_owned()],
        differs: vec!["birth_date:typo".to_owned()],
    };
    Held {
        row,
        person: None,
        candidates: vec![candidate],
        slots: vec![],
        doubts: vec![],
        channels: vec![],
        decisions: vec![],
    }
}
