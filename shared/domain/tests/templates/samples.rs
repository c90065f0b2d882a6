//! The sample set against its answer key.

use std::collections::HashMap;

use domain::{
    ClinicId,
    intake::Intake,
    rules,
    submission::Submission,
    template::{Clinics, MapError, PayerProtocol, check, samples},
};
use serde_json::{Value, json};

use crate::{CLINICS, FILES, SUBMISSIONS, bases, clinic, lines, sample};

/// What mapping and rules say: nothing if the intake goes on to matching.
fn end(clinics: &Clinics, submission: &Submission) -> (Option<(String, String)>, Option<Intake>) {
    let Some(clinic) = clinics.get(&submission.clinic_id) else {
        return (Some(("unknown_clinic".to_owned(), String::new())), None);
    };
    match clinic.map(&submission.form, &submission.form_version, submission.submitted_at) {
        Ok(intake) => {
            let hold = rules::check(&intake, clinic, submission.submitted_at);
            (hold.map(|hold| (hold.code.to_string(), String::new())), Some(intake))
        }
        Err(MapError::Rejected { code, field }) => (Some((code.to_string(), field.to_string())), None),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn every_clinics_examples_hold() {
    let report = check::run(&FILES);
    assert!(report.passed(), "{:#?}", report.failures);
    assert_eq!(report.clinics, 20);
    assert!(report.examples > 50);
}

#[test]
fn the_samples_end_as_the_key_says() {
    the_key_holds(&CLINICS);
}

/// As a second set of clinics is: no folder of their own.
#[test]
fn and_so_they_do_with_clinics_made_from_the_bases() {
    let bare = Clinics::from_sources(bases()).unwrap();
    assert!(bare.is_empty());
    the_key_holds(&bare.with_samples(&sample("clinics.json")).unwrap());
}

fn the_key_holds(clinics: &Clinics) {
    let expected: Vec<Value> = lines("expected.jsonl");
    assert_eq!((expected.len(), SUBMISSIONS.len()), (2400, 2400));
    let ours = ["missing_field", "invalid_field", "unknown_clinic", "consent_missing", "guardian_missing"];
    for key in &expected {
        let line = usize::try_from(key["line"].as_u64().unwrap()).unwrap();
        let (found, _) = end(clinics, &SUBMISSIONS[line - 1]);
        let wanted = key["code"].as_str().filter(|code| ours.contains(code));
        let wanted =
            wanted.map(|code| (code.to_owned(), key["field"].as_str().unwrap_or_default().to_owned()));
        // A copy is decided by its submission id, before it is mapped; it maps as the first did.
        if key["state"] != "repeat" {
            assert_eq!(found, wanted, "line {line}");
        }
    }
}

#[test]
fn one_person_in_several_spellings_has_one_name_phone_and_email() {
    let mut known: HashMap<(String, String), [String; 4]> = HashMap::new();
    let mut again = 0;
    for key in lines::<Value>("expected.jsonl") {
        let line = usize::try_from(key["line"].as_u64().unwrap()).unwrap();
        let (_, Some(intake)) = end(&CLINICS, &SUBMISSIONS[line - 1]) else { continue };
        let patient = intake.patient;
        let facts = [
            patient.given.to_lowercase(),
            patient.family.to_lowercase(),
            patient.phone.unwrap(),
            patient.email.unwrap(),
        ];
        if key["code"] == "submission_conflict" {
            continue; // its content was changed on purpose
        }
        let person = (key["clinic_id"].to_string(), key["person"].to_string());
        again += usize::from(known.contains_key(&person));
        let first = known.entry(person).or_insert_with(|| facts.clone());
        assert!(*first == facts, "line {line}");
    }
    assert!(again > 200, "{again}");
}

#[test]
fn clinics_made_from_a_list_are_those_of_the_folders() {
    let listed = sample("clinics.json");
    let made = Clinics::from_sources(bases().chain(samples::sources(&listed).unwrap())).unwrap();
    assert_eq!(made.len(), CLINICS.len());
    for (made, ours) in made.iter().zip(CLINICS.iter()) {
        assert_eq!(made.name, ours.name);
        assert_eq!(made.time_zone.iana_name(), ours.time_zone.iana_name(), "{}", ours.id);
        assert_eq!(made.requires, ours.requires);
        assert_eq!((&made.npi, &made.ehr, &made.source), (&ours.npi, &ours.ehr, &ours.source));
        assert_eq!(made.payer_protocol, ours.payer_protocol);
    }
    assert_eq!(made.iter().filter(|clinic| clinic.payer_protocol == PayerProtocol::X12).count(), 10);
    assert!(samples::missing(&CLINICS, &listed).unwrap().is_empty());
}

#[test]
fn a_listed_clinic_of_the_same_id_but_another_form_is_another_clinic() {
    let listed = json!([
        {"clinic_id": "clinic-01", "name": "Elsewhere", "form": "kiosk", "source": "kiosk", "state": "NY", "behavioral": true},
        {"clinic_id": "clinic-77", "name": "New", "form": "call", "source": "call_center", "state": "CA"},
    ]);
    let clinics = CLINICS.with_samples(&listed.to_string()).unwrap();
    assert_eq!(clinics.len(), 21);
    let other = clinics.get(&ClinicId::parse("clinic-01").unwrap()).unwrap();
    assert_eq!((other.name.as_str(), other.requires.part2), ("Elsewhere", true));
    let kept = clinics.get(&ClinicId::parse("clinic-02").unwrap()).unwrap();
    assert_eq!(kept.notification, clinic("clinic-02").notification);
    let unknown = json!([{"clinic_id": "x", "name": "n", "form": "fax", "source": "fax", "state": "CA"}]);
    let errors = CLINICS.with_samples(&unknown.to_string()).unwrap_err();
    assert_eq!(errors.to_string(), "x/template.toml: `extends`: there is no `_base/fax.toml`");
}
