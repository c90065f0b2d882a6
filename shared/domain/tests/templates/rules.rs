//! Consent and guardians.

use domain::{Hold, intake::Intake, rules};
use jiff::Timestamp;
use serde_json::json;

use crate::clinic;

fn intake(birth_date: &str, guardian: bool, treatment: bool, part2: Option<bool>) -> Intake {
    let mut intake = json!({
        "patient": {"given": "Ada", "family": "Okafor", "birth_date": birth_date, "sex": "female"},
        "appointment": {"kind": "new_patient", "provider": "p", "start": "2027-02-14T16:40:00Z"},
        "consents": {"treatment": treatment, "sms": false, "email": false, "part2": part2},
    });
    if guardian {
        intake["guardian"] = json!({"name": "Chidi Okafor"});
    }
    serde_json::from_value(intake).unwrap()
}

fn held(id: &str, intake: &Intake, at: &str) -> Option<String> {
    let hold = rules::check(intake, clinic(id), at.parse::<Timestamp>().unwrap());
    hold.map(|Hold { code, field }| format!("{code} at {}", field.unwrap()))
}

const NOON: &str = "2027-01-07T18:00:00Z";

#[test]
fn consents_that_the_clinic_requires() {
    let adult = |treatment, part2| intake("1980-01-01", false, treatment, part2);
    assert_eq!(held("clinic-03", &adult(true, None), NOON), None);
    assert_eq!(held("clinic-03", &adult(true, Some(false)), NOON), None, "not a behavioural clinic");
    assert_eq!(
        held("clinic-03", &adult(false, None), NOON).as_deref(),
        Some("consent_missing at consents.treatment")
    );
    assert_eq!(held("clinic-04", &adult(true, Some(true)), NOON), None);
    for not_given in [None, Some(false)] {
        let held = held("clinic-04", &adult(true, not_given), NOON);
        assert_eq!(held.as_deref(), Some("consent_missing at consents.part2"));
    }
}

#[test]
fn a_minor_needs_a_guardian_until_the_eighteenth_birthday_at_the_clinic() {
    let born = |date, guardian| intake(date, guardian, true, None);
    assert_eq!(held("clinic-03", &born("2009-01-07", false), NOON), None, "eighteen today");
    let tomorrow = born("2009-01-08", false);
    assert_eq!(held("clinic-03", &tomorrow, NOON).as_deref(), Some("guardian_missing at guardian.name"));
    assert_eq!(held("clinic-03", &born("2009-01-08", true), NOON), None);
    // 02:00 UTC on the 8th is still the 7th in Denver.
    assert!(held("clinic-03", &tomorrow, "2027-01-08T02:00:00Z").is_some());
    assert!(held("clinic-03", &tomorrow, "2027-01-08T08:00:00Z").is_none());
}

#[test]
fn consent_comes_before_the_guardian() {
    let held = held("clinic-03", &intake("2020-01-01", false, false, None), NOON);
    assert_eq!(held.as_deref(), Some("consent_missing at consents.treatment"));
}
