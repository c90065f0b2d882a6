use domain::{
    AdmissionId, ClinicId, Code, CorrelationId, Meta, Phi, Stage,
    clock::{Clock, SystemClock},
    envelope::Envelope,
    letter::DeadLetter,
    meta::{Mode, TemplateRef},
    seal::Keyring,
};
use jiff::Timestamp;
use lapin::{
    BasicProperties,
    message::Delivery,
    types::{AMQPValue, FieldArray, FieldTable, LongString, ShortString},
};

use super::letter;
use crate::{amqp::header, stage::RAW_SCHEMA};

/// In no letter in clear.
const CANARY: &str = "Zebedee Quartermaine";
const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const ADMISSION: &str = "0197f0c0-0000-7000-8000-000000000008";
const DIED: &str = "2026-11-22T09:00:00.123456789Z";

fn keys() -> Keyring {
    Keyring::new([("k".to_owned(), vec![7; 32])]).unwrap()
}

fn table(headers: &[(&str, &str)], by_broker: bool) -> FieldTable {
    let mut table = FieldTable::default();
    for (name, value) in headers {
        table.insert(ShortString::from(*name), AMQPValue::LongString(LongString::from(*value)));
    }
    if by_broker {
        let mut death = FieldTable::default();
        death.insert("time".into(), AMQPValue::Timestamp(1_700_000_000));
        let deaths = FieldArray::from(vec![AMQPValue::FieldTable(death)]);
        table.insert("x-death".into(), AMQPValue::FieldArray(deaths));
    }
    table
}

fn read(stage: Stage, headers: &[(&str, &str)], by_broker: bool, body: &[u8]) -> DeadLetter {
    let mut delivery = Delivery::mock(1, "".into(), "".into(), false, body.to_vec());
    delivery.properties = BasicProperties::default().with_headers(table(headers, by_broker));
    letter(&delivery, (stage, &"north".parse().unwrap()), &keys(), &SystemClock).unwrap().0
}

fn envelope(template: &str) -> Vec<u8> {
    let now = SystemClock.now();
    let meta = Meta {
        submission: "s-1".parse().unwrap(),
        clinic: ClinicId::parse("clinic-01").unwrap(),
        source: "kiosk".parse().unwrap(),
        submitted_at: now,
        received_at: now,
        correlation: CorrelationId::from_uuid(SystemClock.fresh_id()),
        admission: Some(AdmissionId::from_uuid(SystemClock.fresh_id())),
        person: None,
        template: Some(TemplateRef { id: template.to_owned(), version: 2 }),
        mode: Mode::Live,
        appointment_at: Some(Timestamp::UNIX_EPOCH),
    };
    Envelope::seal_bytes("intake.checked.v1", meta, Phi::new(CANARY.into()), &keys())
        .unwrap()
        .to_vec()
        .unwrap()
}

/// Everything of it that a person or a row may show.
fn shown(letter: &DeadLetter) -> String {
    let DeadLetter { field, endpoint, template, submission, clinic, trace_id, schema, body, .. } = letter;
    let body = String::from_utf8_lossy(body);
    format!("{field:?}{endpoint:?}{template:?}{submission:?}{clinic:?}{trace_id:?}{schema}{body}")
}

#[test]
fn a_stages_letter_is_believed() {
    let headers = [
        (header::CODE, "ehr_rejected"),
        (header::FIELD, "patient.given"),
        (header::ENDPOINT, "ehr:main"),
        (header::TEMPLATE, "clinic-01@3"),
        (header::ADMISSION, ADMISSION),
        (header::DIED_AT, DIED),
        (header::ATTEMPT, "4"),
        (header::TRACEPARENT, TRACE),
    ];
    let body = envelope("clinic-01");
    let got = read(Stage::EhrWriter, &headers, false, &body);
    assert_eq!(got.fingerprint(), "ehr-writer/ehr_rejected/ehr:main/clinic-01@3");
    assert_eq!((got.code, got.attempt, got.body == body), (Some(Code::EhrRejected), 4, true));
    assert_eq!(got.field.as_ref().map(|field| field.as_str()), Some("patient.given"));
    assert_eq!(got.died_at, DIED.parse().unwrap());
    assert_eq!(got.admission, Some(ADMISSION.parse().unwrap()));
    assert_eq!(got.submission.as_ref().map(|id| id.as_str()), Some("s-1"));
    assert_eq!(got.trace_id.as_deref(), Some("0af7651916cd43dd8448eb211c80319c"));
    assert_eq!(got.appointment_at, Some(Timestamp::UNIX_EPOCH));
    assert_eq!(read(Stage::EhrWriter, &headers, false, &body).id, got.id, "delivered again");
}

#[test]
fn what_the_broker_gave_up_in_clear_is_sealed_and_its_headers_are_not_believed() {
    let headers = [
        (header::CODE, "ehr_rejected"),
        (header::FIELD, "Quartermaine"),
        (header::ENDPOINT, "ehr:Zebedee Quartermaine"),
        (header::TEMPLATE, "Zebedee Quartermaine@1"),
        (header::FINGERPRINT, CANARY),
        (header::TRACEPARENT, CANARY),
        (header::SUBMISSION, "Quartermaine"),
    ];
    let body = format!("{{\"name\": \"{CANARY}\"}}").into_bytes();
    let got = read(Stage::Validation, &headers, true, &body);
    assert_eq!(got.fingerprint(), "validation/delivery_limit/-/-");
    assert_eq!(got.died_at, Timestamp::from_second(1_700_000_000).unwrap());
    assert!(!shown(&got).contains("Quartermaine"), "{}", shown(&got));
    assert_eq!((got.schema.as_str(), got.submission.is_some(), got.clinic), (RAW_SCHEMA, false, None));
    let sealed = Envelope::from_slice(&got.body).unwrap();
    assert_eq!(sealed.open_bytes(&keys()).unwrap().expose(), &body, "kept as it came");
    assert_eq!(read(Stage::Validation, &headers, true, &body).id, got.id, "delivered again");
}

#[test]
fn what_no_name_may_hold_is_left_out() {
    let bad = [(header::FIELD, CANARY), (header::TEMPLATE, "Zebedee Quartermaine@1"), (header::CODE, CANARY)];
    let got = read(Stage::EhrWriter, &bad, false, &envelope(CANARY));
    assert_eq!(got.fingerprint(), "ehr-writer/-/-/-");
    // What stands in clear in the envelope is no stage's word.
    for (stage, by_broker) in
        [(Stage::EhrWriter, false), (Stage::EhrWriter, true), (Stage::Validation, false)]
    {
        let got = read(stage, &[], by_broker, &envelope("Quartermaine"));
        assert!(
            got.template.is_none() && !got.fingerprint().contains("Quartermaine"),
            "{}",
            got.fingerprint()
        );
    }
    // Nobody but validation admits: what comes to it can only claim to be admitted.
    assert!(read(Stage::Validation, &[], true, &envelope("clinic-01")).admission.is_none());
    assert!(read(Stage::Eligibility, &[], true, &envelope("clinic-01")).admission.is_some());
}
