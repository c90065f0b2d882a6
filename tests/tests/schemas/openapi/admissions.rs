//! What is told of submissions.

use domain::{AdmissionId, Code, CorrelationId, SubmissionId};
use jiff::Timestamp;
use ledger::{look_up::Naming, read::OutcomeRow};
use ops::views::{Admission, Effect, Match, Step, Traced};
use serde_json::json;
use uuid::Uuid;

use super::describes;
use crate::{assert_valid, component, read, texts, validator};

/// One with something in every member.
pub(super) fn admission() -> Admission {
    let (at, code, some) = (Timestamp::UNIX_EPOCH, Some(Code::SlotTaken), || Some("x".to_owned()));
    Admission {
        clinic_id: "clinic-01".to_owned(),
        copy: false,
        state: "held",
        code,
        field: some(),
        duplicate_of: Some(SubmissionId::parse("s-0").unwrap()),
        patient: some(),
        appointment: some(),
        eligibility: Some("active"),
        notified: Some(vec!["sms".to_owned()]),
        correlation_id: CorrelationId::from_uuid(Uuid::nil()),
        received_at: at,
        settled_at: Some(at),
        timeline: vec![step()],
        effects: vec![effect()],
    }
}

fn step() -> Step {
    let some = || Some("x".to_owned());
    Step {
        at: Timestamp::UNIX_EPOCH,
        took_ms: 1,
        stage: "ehr-writer".to_owned(),
        lane: "default".to_owned(),
        event: "held".to_owned(),
        attempt: 1,
        code: Some(Code::SlotTaken),
        field: some(),
        endpoint: some(),
        template: some(),
        trace_id: some(),
        actor: some(),
    }
}

fn effect() -> Effect {
    Effect {
        at: Timestamp::UNIX_EPOCH,
        kind: "slot",
        attempt: 1,
        event: "done".to_owned(),
        state: "done".to_owned(),
        code: Some(Code::SlotTaken),
    }
}

#[test]
fn the_ops_document_describes_submissions() {
    let document = read("openapi.ops.json");
    let some = || Some("x".to_owned());
    let outcome = OutcomeRow {
        submission_id: "s-1".to_owned(),
        clinic_id: "clinic-01".to_owned(),
        state: "held",
        code: Some("slot_taken"),
        field: some(),
        patient: some(),
        appointment: some(),
        eligibility: Some("active"),
        notified: Some(vec!["email".to_owned()]),
    };
    describes(&document, "Outcome", &outcome);
    describes(&document, "Step", &step());
    describes(&document, "Effect", &effect());
    describes(&document, "Admission", &admission());
    describes(&document, "Found", &json!({ "submission_id": "s-1", "admissions": [admission()] }));
}

#[test]
fn the_ops_document_describes_what_is_looked_up() {
    let document = read("openapi.ops.json");
    let one = Match {
        admission_id: AdmissionId::from_uuid(Uuid::nil()),
        submission_id: SubmissionId::parse("s-1").unwrap(),
        clinic_id: "clinic-01".to_owned(),
        by: "phone",
        copy: false,
        state: "held",
        code: Some(Code::SlotTaken),
        correlation_id: CorrelationId::from_uuid(Uuid::nil()),
        received_at: Timestamp::UNIX_EPOCH,
    };
    describes(&document, "Match", &one);
    describes(&document, "Traced", &Traced { matches: vec![one], more: false, admission: Some(admission()) });
    let listed = &document["components"]["schemas"]["Match"]["properties"]["by"]["enum"];
    assert_eq!(texts(listed.as_array().unwrap()), Naming::ALL.iter().map(ToString::to_string).collect());
    let wanted = json!({"phone": "x", "clinic": "clinic-01", "purpose": "x"});
    assert_valid(&validator(&component(&document, "LookUp")), &wanted, "LookUp");
}
