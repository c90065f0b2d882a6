//! The schemas of the messages, made from the code.

use domain::{
    ClinicId, SubmissionId,
    envelope::{Envelope, Secret},
    ids::SourceName,
    messages::{Checked, Notified, Validated, Written},
    submission::{Submission, SubmittedForm},
};
use proptest::prelude::*;
use schemars::{JsonSchema, generate::SchemaSettings};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{assert_valid, path, read, validator};

const STALE: &str = "is stale: run FRONTDESK_WRITE_SCHEMAS=1 cargo nextest run -p e2e --test schemas";

fn schema<T: JsonSchema>(name: &str) -> (String, Value) {
    let root = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>();
    let mut schema = serde_json::to_value(root).unwrap();
    schema["$id"] = format!("urn:frontdesk:schema:{name}").into();
    (format!("{name}.json"), schema)
}

fn secret<T: Secret + JsonSchema>() -> (String, Value) {
    schema::<T>(T::SCHEMA)
}

fn generated() -> [(String, Value); 7] {
    [
        schema::<Submission>("intake.submission.v1"),
        schema::<SubmittedForm>("intake.submission.v1.sealed"),
        schema::<Envelope>("envelope.v1"),
        secret::<Validated>(),
        secret::<Checked>(),
        secret::<Written>(),
        secret::<Notified>(),
    ]
}

#[test]
#[allow(clippy::disallowed_methods, reason = "a developer asks for the files to be written")]
fn the_files_are_fresh() {
    let write = std::env::var("FRONTDESK_WRITE_SCHEMAS").is_ok();
    for (file, schema) in generated() {
        let text = format!("{}\n", serde_json::to_string_pretty(&schema).unwrap());
        if write {
            // Beside and renamed: the other tests read at the same time.
            let part = path(&format!("{file}.part"));
            std::fs::write(&part, &text).unwrap();
            std::fs::rename(&part, path(&file)).unwrap();
        }
        let there = std::fs::read_to_string(path(&file)).unwrap_or_default();
        assert!(there == text, "schemas/{file} {STALE}");
        jsonschema::meta::validate(&schema).unwrap();
    }
}

#[test]
fn every_sample_is_a_submission() {
    let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/samples/submissions.jsonl");
    let submission = validator(&read("intake.submission.v1.json"));
    let text = std::fs::read_to_string(samples).unwrap();
    assert!(text.lines().count() >= 2400);
    for (n, line) in text.lines().enumerate() {
        assert_valid(&submission, &serde_json::from_str(line).unwrap(), &format!("line {}", n + 1));
    }
}

#[test]
fn what_the_line_refuses_the_schema_refuses() {
    let submission = validator(&read("intake.submission.v1.json"));
    let good = json!({"submission_id": "s-1", "clinic_id": "c1", "source": "kiosk",
        "submitted_at": "2027-01-07T09:02:39Z", "form_version": "1", "form": {}});
    assert_valid(&submission, &good, "the good one");
    for (member, value) in [
        ("submission_id", json!("Jane Doe")),
        ("clinic_id", json!("Clinic 1")),
        ("submitted_at", json!("yesterday")),
        ("form_version", json!(1)),
        ("more", json!(1)),
    ] {
        let mut bad = good.clone();
        bad[member] = value;
        assert!(!submission.is_valid(&bad), "{member}");
        assert!(serde_json::from_value::<Submission>(bad).is_err(), "{member}");
    }
}

/// What is written can be read, and is as the schema says.
fn round_trip<T: DeserializeOwned + Serialize>(file: &str, value: &Value) {
    let written = serde_json::to_value(serde_json::from_value::<T>(value.clone()).unwrap()).unwrap();
    assert_eq!(&written, value);
    assert_valid(&validator(&read(file)), &written, file);
}

#[test]
fn full_messages_are_as_their_schemas_say() {
    let intake = json!({
        "patient": {"given": "Ada", "middle": "B", "family": "L", "birth_date": "2015-12-10", "sex": "female",
            "phone": "+12025550100", "email": "a@example.com",
            "address": {"lines": ["1 Main St"], "city": "X", "state": "NY", "postal_code": "10001"}},
        "guardian": {"name": "C L", "phone": "+12025550101"},
        "coverage": {"payer": "Aetna", "member_id": "M1", "group": "G1"},
        "appointment": {"kind": "new_patient", "provider": "p1", "start": "2027-01-07T09:00:00Z"},
        "consents": {"treatment": true, "sms": true, "email": false, "part2": true},
        "reason": "cough", "communication": {"language": "en"}, "referral": {"practitioner": "D", "npi": "1"}
    });
    let eligibility = json!({"status": "active", "plan": "P", "plan_begin": "2027-01-01", "plan_end": "2027-12-31",
        "copay_cents": 2500, "deductible_cents": 100});
    round_trip::<Validated>("intake.validated.v1.json", &json!({ "intake": intake }));
    round_trip::<Checked>("intake.checked.v1.json", &json!({ "intake": intake, "eligibility": eligibility }));
    let written =
        json!({ "intake": intake, "patient": "1", "coverage": "2", "appointment": "3", "minutes": 20 });
    round_trip::<Written>("intake.written.v1.json", &written);
    round_trip::<Notified>("intake.notified.v1.json", &json!({ "channels": ["email", "sms"] }));
    round_trip::<SubmittedForm>(
        "intake.submission.v1.sealed.json",
        &json!({ "form_version": "1", "form": {}, "corrections": { "reason": "x" } }),
    );
    let id = "01900000-0000-7000-8000-000000000000";
    round_trip::<Envelope>(
        "envelope.v1.json",
        &json!({"schema": "intake.validated.v1", "sealed": {"key": "k", "nonce": "AAAA", "data": "AAAA"},
            "meta": {"submission": "s-1", "clinic": "c1", "source": "kiosk", "submitted_at": "2027-01-07T09:00:00Z",
                "received_at": "2027-01-07T09:00:01Z", "correlation": id, "admission": id, "person": id,
                "template": {"id": "c1", "version": 1}, "mode": "live", "appointment_at": "2027-02-07T09:00:00Z"}}),
    );
}

proptest! {
    /// The patterns are the rules that the types enforce.
    #[test]
    fn patterns_are_the_types_rules(text in "[A-Za-z0-9._:@ é-]{0,66}") {
        let definitions = read("intake.submission.v1.json")["$defs"].clone();
        let fits = |name: &str| validator(&definitions[name]).is_valid(&json!(text));
        prop_assert_eq!(fits("SubmissionId"), SubmissionId::parse(&text).is_ok());
        prop_assert_eq!(fits("ClinicId"), ClinicId::parse(&text).is_ok());
        prop_assert_eq!(fits("SourceName"), SourceName::parse(&text).is_ok());
    }
}
