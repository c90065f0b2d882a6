//! Corrections: values beside the form, and beside an intake that was mapped before.

use domain::{
    Code, Phi,
    intake::Intake,
    submission::SubmittedForm,
    template::{Corrections, Field, MapError, seen_in},
};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{CLINICS, SUBMISSIONS, clinic};

fn at() -> Timestamp {
    "2027-01-07T15:00:00Z".parse().unwrap()
}

fn form(changes: &[(&str, Value)]) -> SubmittedForm {
    let mut form = json!({
        "LAST": "SMITH", "FIRST": "ZEBEDEE", "DOB": "12081982", "SEX": "F", "PHONE1": "7955550142",
        "EMAIL": "zeb@example.com", "VISIT": "TELE", "PROV": "p-1", "WHEN": "2027-02-14T16:40:00Z", "CONSENT_TX": "Y",
    });
    for (key, value) in changes {
        form[*key] = value.clone();
    }
    SubmittedForm::new("1".to_owned(), form)
}

fn corrections(values: &[(Field, &str)]) -> Corrections {
    Corrections::new(values.iter().map(|(field, value)| (*field, (*value).to_owned())))
}

fn mapped(form: SubmittedForm, values: &[(Field, &str)]) -> Result<Intake, String> {
    let form = SubmittedForm { corrections: corrections(values), ..form };
    clinic("clinic-03").map_form(&form, at()).map_err(|error| error.to_string())
}

#[test]
fn what_was_corrected_counts_and_is_read_as_its_field() {
    let wrong = || form(&[("EMAIL", json!("zeb(at)example.com"))]);
    assert_eq!(mapped(wrong(), &[]).err().unwrap(), "invalid_field at patient.email");
    let intake = mapped(wrong(), &[(Field::PatientEmail, " ZEB@Example.com")]).ok().unwrap();
    assert_eq!(intake.patient.email.as_deref(), Some("zeb@example.com"));
    assert_eq!(intake.patient.given, "Zebedee", "what was not corrected is the form's");
    let without = mapped(wrong(), &[(Field::PatientEmail, "")]).ok().unwrap();
    assert!(without.patient.email.is_none());
    let nameless = mapped(wrong(), &[(Field::PatientFamily, " "), (Field::PatientEmail, "")]);
    assert_eq!(nameless.err().unwrap(), "missing_field at patient.family");
}

#[test]
fn each_field_says_by_itself_whether_it_takes_a_value() {
    let clinic = clinic("clinic-03");
    for (field, good, bad) in [
        (Field::PatientFamily, "Smith", "12"),
        (Field::PatientBirthDate, "1982-12-08", "2099-01-01"),
        (Field::PatientSex, "female", "girl"),
        (Field::PatientPhone, "+1 795 555 0142", "12"),
        (Field::PatientEmail, "a@example.com", "a"),
        (Field::GuardianPhone, "795 555 0142", "x"),
        (Field::AppointmentKind, "procedure", "party"),
        (Field::AppointmentProvider, "p-2", "p 2"),
        (Field::AppointmentStart, "2027-02-14T16:40:00Z", "tomorrow"),
        (Field::ConsentSms, "yes", "maybe"),
        (Field::Reason, "cough", &"x".repeat(4001)),
        (Field::CoverageMemberId, "w1", &"x".repeat(201)),
    ] {
        assert_eq!(clinic.reads(&corrections(&[(field, good)]), at()), Ok(()), "{field:?}");
        let refused = MapError::Rejected { code: Code::InvalidField, field: field.path() };
        assert_eq!(clinic.reads(&corrections(&[(field, bad)]), at()), Err(refused), "{field:?}");
    }
}

#[test]
fn an_intake_read_again_is_the_same_and_takes_corrections() {
    let mut read = 0;
    for submission in SUBMISSIONS.iter() {
        let Some(clinic) = CLINICS.get(&submission.clinic_id) else { continue };
        let (form, version) = (&submission.form, &submission.form_version);
        let Ok(intake) = clinic.map(form, version, submission.submitted_at) else { continue };
        let again = clinic.correct(&intake, &Corrections::default(), submission.submitted_at);
        assert!(again == Ok(intake), "{}", submission.submission_id);
        read += 1;
    }
    assert!(read > 50, "only {read} samples are intakes");
    let clinic = clinic("clinic-03");
    let minor = form(&[("GUARD", json!("Ann Smith"))]);
    let intake = clinic.map_form(&minor, at()).unwrap_or_else(|error| panic!("{error}"));
    let values = corrections(&[(Field::PatientPhone, "312 555 0199"), (Field::CoverageMemberId, "w 9")]);
    let error = clinic.correct(&intake, &values, at()).err().unwrap();
    assert_eq!(error.to_string(), "missing_field at coverage.payer");
    let values = values.and(&corrections(&[(Field::CoveragePayer, "bcbs")]));
    let corrected = clinic.correct(&intake, &values, at()).ok().unwrap();
    assert_eq!(corrected.patient.phone.as_deref(), Some("+13125550199"));
    assert_eq!(
        corrected.guardian.and_then(|guardian| guardian.phone).as_deref(),
        Some("+13125550199"),
        "the guardian's was the patient's"
    );
    let coverage = corrected.coverage.map(|coverage| (coverage.payer, coverage.member_id));
    assert_eq!(coverage, Some(("Blue Cross Blue Shield".to_owned(), "W 9".to_owned())));
    assert!(corrected.patient.email == intake.patient.email);
}

#[test]
fn one_field_is_seen_as_the_form_has_it() {
    let clinic = clinic("clinic-03");
    let seen = |form: &SubmittedForm, field| {
        clinic.seen(form, field).map(|value| value.map(Phi::into_exposed)).map_err(|error| error.to_string())
    };
    let wrong = form(&[("EMAIL", json!("zeb(at)example.com")), ("DOB", json!("8th of December"))]);
    assert_eq!(seen(&wrong, Field::PatientEmail), Ok(Some("zeb(at)example.com".to_owned())));
    assert_eq!(
        seen(&wrong, Field::PatientBirthDate),
        Ok(Some("8th of December".to_owned())),
        "no step reads it"
    );
    assert_eq!(seen(&wrong, Field::Reason), Ok(None));
    let corrected =
        SubmittedForm { corrections: corrections(&[(Field::PatientEmail, "zeb@example.com")]), ..wrong };
    assert_eq!(seen(&corrected, Field::PatientEmail), Ok(Some("zeb@example.com".to_owned())));
    let other = SubmittedForm::new("99".to_owned(), json!({}));
    assert_eq!(seen(&other, Field::Reason), Err("invalid_field at form_version".to_owned()));
    let intake = clinic.map_form(&form(&[]), at()).ok().unwrap();
    let seen = |field| seen_in(&intake, field).map(Phi::into_exposed);
    assert_eq!(
        (seen(Field::PatientPhone).as_deref(), seen(Field::ConsentTreatment).as_deref(), seen(Field::Reason)),
        (Some("+17955550142"), Some("yes"), None)
    );
}
