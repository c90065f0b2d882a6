//! What every field gets, whatever the template says.

use domain::{
    intake::{Intake, Sex, VisitKind},
    template::MapError,
};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::clinic;

fn form() -> Value {
    json!({
        "LAST": "DE LA CRUZ", "FIRST": "LUCÍA", "MI": "Q", "DOB": "12081982", "SEX": "F", "PHONE1": "7955550142",
        "EMAIL": "LUCIA@EXAMPLE.COM", "ADDR1": "12 SHORE RD", "CITY": "EVANSTON", "ST": "il", "ZIP": "60201",
        "INS_CO": "BCBS", "INS_ID": "w 123", "INS_GRP": "g7", "VISIT": "TELE", "PROV": "p-1",
        "WHEN": "2027-02-14T16:40:00Z", "CC": "MIGRAINE", "CONSENT_TX": "Y", "CONSENT_SMS": "N", "CONSENT_EML": "",
        "GUARD": "",
    })
}

fn map(form: &Value) -> Result<Intake, MapError> {
    clinic("clinic-03").map(form, "1", "2027-01-07T15:00:00Z".parse::<Timestamp>().unwrap())
}

/// The form with some keys changed: a refusal as text, or `ok`.
fn with(changes: &[(&str, Value)]) -> String {
    let mut form = form();
    for (key, value) in changes {
        form[*key] = value.clone();
    }
    map(&form).map_or_else(|error| error.to_string(), |_| "ok".to_owned())
}

fn changed(key: &str, value: Value) -> Intake {
    let mut form = form();
    form[key] = value;
    map(&form).unwrap_or_else(|error| panic!("{key}: {error}"))
}

#[test]
fn a_kiosk_form_becomes_canonical() {
    let Intake { patient, guardian, coverage, appointment, consents, reason, referral, .. } =
        map(&form()).unwrap();
    assert_eq!((patient.given.as_str(), patient.family.as_str()), ("Lucía", "de la Cruz"));
    assert_eq!(patient.middle.as_deref(), Some("Q"));
    assert_eq!(patient.birth_date.to_string(), "1982-12-08");
    assert!(patient.sex == Sex::Female);
    assert_eq!(patient.phone.as_deref(), Some("+17955550142"));
    assert_eq!(patient.email.as_deref(), Some("lucia@example.com"));
    let address = patient.address.unwrap();
    assert_eq!(address.lines, ["12 SHORE RD"]);
    assert_eq!([address.city, address.state, address.postal_code], ["EVANSTON", "IL", "60201"]);
    assert!(guardian.is_none() && referral.is_none());
    let coverage = coverage.unwrap();
    assert_eq!([coverage.payer, coverage.member_id], ["Blue Cross Blue Shield", "W123"]);
    assert_eq!(coverage.group.as_deref(), Some("G7"));
    assert!(appointment.kind == VisitKind::Telehealth);
    assert_eq!((appointment.provider.as_str(), appointment.start.as_second()), ("p-1", 1_802_623_200));
    assert!(consents.treatment && !consents.sms && !consents.email && consents.part2.is_none());
    assert_eq!(reason.as_deref(), Some("MIGRAINE"));
}

#[test]
fn required_fields_are_missing_or_invalid() {
    for (key, field) in [
        ("FIRST", "patient.given"),
        ("LAST", "patient.family"),
        ("DOB", "patient.birth_date"),
        ("SEX", "patient.sex"),
        ("VISIT", "appointment.kind"),
        ("PROV", "appointment.provider"),
        ("WHEN", "appointment.start"),
    ] {
        for nothing in [json!(null), json!(""), json!("  \t "), json!([]), json!({})] {
            assert_eq!(with(&[(key, nothing)]), format!("missing_field at {field}"));
        }
        for wrong in [json!({"a": 1}), json!([[1]]), json!(true), json!("???\u{0} ?")] {
            assert_eq!(with(&[(key, wrong)]), format!("invalid_field at {field}"));
        }
    }
}

#[test]
fn optional_fields_are_absent_or_invalid() {
    for (key, field) in
        [("PHONE1", "patient.phone"), ("EMAIL", "patient.email"), ("CONSENT_TX", "consents.treatment")]
    {
        assert_eq!(with(&[(key, json!(""))]), "ok");
        assert_eq!(with(&[(key, json!("call me"))]), format!("invalid_field at {field}"));
    }
    assert_eq!(with(&[("CC", json!("x".repeat(5_000)))]), "invalid_field at reason");
    assert_eq!(with(&[("CITY", json!("x".repeat(201)))]), "invalid_field at patient.address.city");
}

#[test]
fn the_first_problem_in_canonical_order_is_told() {
    let all = [("WHEN", json!("soon")), ("EMAIL", json!("x")), ("SEX", json!("?")), ("LAST", json!(""))];
    assert_eq!(with(&all), "missing_field at patient.family");
    assert_eq!(with(&all[..3]), "invalid_field at patient.sex");
    assert_eq!(with(&all[..2]), "invalid_field at patient.email");
    assert_eq!(with(&[("WHEN", json!("soon")), ("VISIT", json!(""))]), "missing_field at appointment.kind");
}

#[test]
fn birth_dates_are_days_of_the_last_130_years() {
    // 15:00 UTC on the 7th is the 7th at the clinic, in Denver.
    for (given, wanted) in [
        ("01071897", "ok"),
        ("01061897", "invalid_field at patient.birth_date"),
        ("01072027", "ok"),
        ("01082027", "invalid_field at patient.birth_date"),
        ("02301987", "invalid_field at patient.birth_date"),
        ("19821208", "invalid_field at patient.birth_date"),
        ("02292000", "ok"),
        ("02291900", "invalid_field at patient.birth_date"),
    ] {
        assert_eq!(with(&[("DOB", json!(given))]), wanted, "{given}");
    }
}

#[test]
fn numbers_are_taken_as_their_digits() {
    assert_eq!(changed("PHONE1", json!(7_955_550_142_u64)).patient.phone.as_deref(), Some("+17955550142"));
    assert_eq!(changed("DOB", json!(12_081_982)).patient.birth_date.to_string(), "1982-12-08");
    assert_eq!(with(&[("FIRST", json!(7))]), "invalid_field at patient.given");
}

#[test]
fn coverage_goes_by_its_member_id_and_a_guardian_by_their_name() {
    assert!(changed("INS_ID", json!("")).coverage.is_none());
    assert_eq!(with(&[("INS_CO", json!(""))]), "missing_field at coverage.payer");
    assert_eq!(changed("INS_CO", json!(" Acme  Mutual ")).coverage.unwrap().payer, "Acme Mutual");
    let guardian = changed("GUARD", json!("MARÍA DE LA CRUZ")).guardian.unwrap();
    assert_eq!(guardian.name, "María de la Cruz");
    assert_eq!(guardian.phone.as_deref(), Some("+17955550142"), "the patient's");
}

#[test]
fn an_address_is_what_there_is_of_it() {
    let mut bare = form();
    for key in ["ADDR1", "CITY", "ST", "ZIP"] {
        bare[key] = json!(null);
    }
    assert!(map(&bare).unwrap().patient.address.is_none());
    bare["ZIP"] = json!("60201");
    let address = map(&bare).unwrap().patient.address.unwrap();
    assert!(address.lines.is_empty() && address.city.is_empty());
    assert_eq!(address.postal_code, "60201");
}

#[test]
fn an_unknown_form_version_is_refused() {
    let at = "2027-01-07T15:00:00Z".parse::<Timestamp>().unwrap();
    let Err(error) = clinic("clinic-03").map(&form(), "2", at) else { panic!("mapped") };
    assert_eq!(error.to_string(), "invalid_field at form_version");
    assert_eq!(error.code().as_str(), "invalid_field");
}
