//! Dead letters, and the edits of what they hold.

use domain::{
    AdmissionId, ClinicId, Code, CorrelationId, FieldPath, MessageId, SubmissionId,
    ids::{EditId, LetterId, PlanId},
};
use jiff::Timestamp;
use ledger::{
    letters::{EditRow, EditState, LetterGroup, LetterPage, LetterRow, LetterState},
    replay::{Foreseen, Why},
    watch::Crash,
};
use ops::{edits::Made, views::Letter};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{admissions::admission, describes};
use crate::{assert_valid, component, read, texts, validator};

#[test]
fn the_ops_document_describes_dead_letters() {
    let document = read("openapi.ops.json");
    let (at, code, some) = (Timestamp::UNIX_EPOCH, Some(Code::EhrRejected), || Some("x".to_owned()));
    let group = LetterGroup {
        fingerprint: "ehr-writer/ehr_rejected/-/-".to_owned(),
        stage: "ehr-writer".to_owned(),
        code,
        count: 1,
        last_hour: 1,
        hour_before: 0,
        first_seen: at,
        last_seen: at,
        soonest_appointment: Some(at),
        clinics: vec!["clinic-01".to_owned()],
    };
    describes(&document, "LetterGroup", &group);
    let row = LetterRow {
        id: LetterId::from_uuid(Uuid::nil()),
        message_id: Some(MessageId::from_uuid(Uuid::nil())),
        stage: "ehr-writer".to_owned(),
        lane: "default".to_owned(),
        code,
        field: some(),
        endpoint: some(),
        template: some(),
        fingerprint: group.fingerprint,
        admission_id: Some(AdmissionId::from_uuid(Uuid::nil())),
        submission_id: Some(SubmissionId::parse("s-1").unwrap()),
        clinic_id: Some(ClinicId::parse("clinic-01").unwrap()),
        correlation_id: CorrelationId::from_uuid(Uuid::nil()),
        trace_id: some(),
        attempts: 1,
        first_failed_at: Some(at),
        died_at: at,
        collected_at: at,
        appointment_at: Some(at),
        schema: "intake.checked.v1".to_owned(),
        state: LetterState::Replayed,
        state_at: Some(at),
        plan_id: Some(PlanId::from_uuid(Uuid::nil())),
    };
    describes(&document, "LetterRow", &row);
    describes(&document, "LetterPage", &LetterPage { letters: vec![row.clone()], next: Some(row.id) });
    let crash = Crash { stage: "ehr-writer".to_owned(), comebacks: 4, deaths: 2, last_seen_at: at };
    describes(&document, "Crash", &crash);
    let letter =
        Letter { letter: row, edits: vec![edit()], admission: Some(admission()), crash: Some(crash) };
    describes(&document, "Letter", &letter);
}

fn edit() -> EditRow {
    EditRow {
        id: EditId::from_uuid(Uuid::nil()),
        letter_id: LetterId::from_uuid(Uuid::nil()),
        fields: vec!["patient.family".to_owned()],
        state: EditState::InForce,
        state_at: Timestamp::UNIX_EPOCH,
        made_at: Timestamp::UNIX_EPOCH,
        requester: "on-call".to_owned(),
        reason: "by phone".to_owned(),
        approver: Some("lead".to_owned()),
    }
}

#[test]
fn the_ops_document_describes_edits() {
    let document = read("openapi.ops.json");
    describes(&document, "Edit", &edit());
    let foreseen = Foreseen {
        code: Some(Code::TemplateFailed),
        field: Some(FieldPath::known("reason")),
        ..Foreseen::refused(Why::EditWaits)
    };
    describes(&document, "EditMade", &Made::new(edit(), foreseen));
    let valid =
        |name: &str, value: &Value| assert_valid(&validator(&component(&document, name)), value, name);
    valid("Correction", &json!({"values": {"patient.email": "x"}, "reason": "x"}));
    valid("Reveal", &json!({"field": "patient.email", "of": "edit", "purpose": "x"}));
    let schemas = &document["components"]["schemas"];
    for name in ["Edit", "EditMade"] {
        let listed = texts(schemas[name]["properties"]["state"]["enum"].as_array().unwrap());
        assert_eq!(listed, EditState::ALL.iter().map(ToString::to_string).collect(), "{name}");
    }
    let whys = texts(schemas["EditMade"]["properties"]["why"]["enum"].as_array().unwrap());
    assert_eq!(whys, Why::ALL.iter().map(ToString::to_string).collect());
}
