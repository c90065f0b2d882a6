//! From a body to a submission: the full shape of `intake.submission.v1`, or the bare form.

use domain::{
    ClinicId, SubmissionId,
    ids::SourceName,
    strict::{self, StrictError},
    submission::SubmittedForm,
};
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::{
    config::MAX_DEPTH,
    problem::{Kind, Refusal},
};

/// Members of the full shape, in `domain::submission::Submission`'s order.
const MEMBERS: [&str; 6] = ["submission_id", "clinic_id", "source", "submitted_at", "form_version", "form"];
/// The version of a bare form whose address names none.
const FIRST_VERSION: &str = "1";
/// Longest form version, bytes.
const MAX_VERSION: usize = 40;

/// What a body says. It has no `Debug`: the form is PHI.
pub struct Entry {
    /// The sender's identifier, if the body has one.
    pub submission: Option<SubmissionId>,
    /// When it was made, if the body says so.
    pub submitted_at: Option<Timestamp>,
    /// The protected part.
    pub secret: SubmittedForm,
}

/// What the body must agree with.
pub struct Address<'a> {
    /// The clinic in the address.
    pub clinic: &'a ClinicId,
    /// The form's version in the address: the body is then the bare form.
    pub form_version: Option<&'a str>,
    /// The kind of the source that was authenticated.
    pub source: &'a SourceName,
}

/// Reads a body.
///
/// # Errors
/// A [`Refusal`] that names a member of ours, never one of the sender's, and no value.
pub fn read(body: &[u8], at: &Address<'_>) -> Result<Entry, Refusal> {
    let value = strict::parse(body, MAX_DEPTH).map_err(|error| match error {
        StrictError::NotUtf8 => Kind::NotUtf8,
        StrictError::NotJson => Kind::MalformedJson,
        StrictError::DuplicateKey => Kind::DuplicateKey,
        StrictError::TooDeep => Kind::TooDeep,
    })?;
    let Value::Object(members) = value else { return Err(Kind::NotAnObject.into()) };
    match at.form_version {
        Some(version) => bare(members, version),
        None if is_full(&members) => full(members, at),
        None => bare(members, FIRST_VERSION),
    }
}

/// A body that says whose and what it is, even if it leaves the identifier to a header.
fn is_full(members: &Map<String, Value>) -> bool {
    members.contains_key("submission_id")
        || (members.contains_key("clinic_id") && members.contains_key("form"))
}

fn bare(members: Map<String, Value>, version: &str) -> Result<Entry, Refusal> {
    let form_version = checked_version(version).ok_or(Kind::InvalidField.at("form_version"))?;
    let secret = SubmittedForm::new(form_version, Value::Object(members));
    Ok(Entry { submission: None, submitted_at: None, secret })
}

fn full(mut members: Map<String, Value>, at: &Address<'_>) -> Result<Entry, Refusal> {
    if members.keys().any(|name| !MEMBERS.contains(&name.as_str())) {
        return Err(Kind::UnknownField.into());
    }
    let submission = match members.get("submission_id") {
        None => None,
        Some(value) => Some(parsed(value, "submission_id", |text| SubmissionId::parse(text).ok())?),
    };
    let clinic = required(&members, "clinic_id", |text| ClinicId::parse(text).ok())?;
    if clinic != *at.clinic {
        return Err(Kind::ClinicMismatch.at("clinic_id"));
    }
    let source = required(&members, "source", |text| SourceName::parse(text).ok())?;
    if source != *at.source {
        return Err(Kind::SourceMismatch.at("source"));
    }
    let submitted_at = required(&members, "submitted_at", |text| text.parse().ok())?;
    let form_version = required(&members, "form_version", checked_version)?;
    let form = members.remove("form").ok_or(Kind::MissingField.at("form"))?;
    Ok(Entry { submission, submitted_at: Some(submitted_at), secret: SubmittedForm::new(form_version, form) })
}

fn required<T>(
    members: &Map<String, Value>,
    name: &'static str,
    read: impl FnOnce(&str) -> Option<T>,
) -> Result<T, Refusal> {
    parsed(members.get(name).ok_or(Kind::MissingField.at(name))?, name, read)
}

fn parsed<T>(value: &Value, name: &'static str, read: impl FnOnce(&str) -> Option<T>) -> Result<T, Refusal> {
    value.as_str().and_then(read).ok_or(Kind::InvalidField.at(name))
}

fn checked_version(text: &str) -> Option<String> {
    let fits = (1..=MAX_VERSION).contains(&text.len()) && text.chars().all(|c| c.is_ascii_graphic());
    fits.then(|| text.to_owned())
}

/// The sender's own name for the submission, from `Idempotency-Key`: bare, or a quoted structured-field string.
///
/// # Errors
/// [`Kind::InvalidIdempotencyKey`].
pub fn idempotency_key(header: &[u8]) -> Result<SubmissionId, Refusal> {
    let text = std::str::from_utf8(header).map_err(|_| Kind::InvalidIdempotencyKey)?.trim();
    // A submission id holds neither quotes nor backslashes, so no escape has to be undone.
    let inner = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
    SubmissionId::parse(inner).map_err(|_| Kind::InvalidIdempotencyKey.into())
}

#[cfg(test)]
mod tests {
    use domain::{ClinicId, ids::SourceName, submission::Submission};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::{Address, Entry, idempotency_key, read};
    use crate::problem::{Kind, Refusal};

    fn post(body: &[u8], version: Option<&str>) -> Result<Entry, Refusal> {
        let (clinic, source) = (ClinicId::parse("c1").unwrap(), SourceName::parse("kiosk").unwrap());
        read(body, &Address { clinic: &clinic, form_version: version, source: &source })
    }

    fn whole() -> Value {
        json!({"submission_id": "s1", "clinic_id": "c1", "source": "kiosk",
               "submitted_at": "2027-01-07T09:02:39Z", "form_version": "1", "form": {"LAST": "X"}})
    }

    #[test]
    fn a_full_submission_is_read() {
        let entry = post(whole().to_string().as_bytes(), None).ok().unwrap();
        assert_eq!(entry.submission.unwrap().as_str(), "s1");
        assert_eq!(entry.secret.form, json!({"LAST": "X"}));
    }

    #[test]
    fn a_bare_form_is_anything_else() {
        let entry = post(br#"{"LAST":"X"}"#, None).ok().unwrap();
        assert!(entry.submission.is_none() && entry.submitted_at.is_none());
        assert_eq!(entry.secret.form_version, "1");
        let inside = whole();
        let entry = post(inside.to_string().as_bytes(), Some("7")).ok().unwrap();
        assert_eq!((entry.secret.form, entry.secret.form_version.as_str()), (inside, "7"));
    }

    #[test]
    fn each_member_is_checked_as_the_line_checks_it() {
        for (name, value, refusal) in [
            ("submission_id", json!("Jane Doe"), Kind::InvalidField.at("submission_id")),
            ("submission_id", json!(5), Kind::InvalidField.at("submission_id")),
            ("clinic_id", json!("c2"), Kind::ClinicMismatch.at("clinic_id")),
            ("source", json!("web_form"), Kind::SourceMismatch.at("source")),
            ("submitted_at", json!("yesterday"), Kind::InvalidField.at("submitted_at")),
            ("form_version", json!(1), Kind::InvalidField.at("form_version")),
            ("form_version", json!(""), Kind::InvalidField.at("form_version")),
            ("patient", json!("X"), Kind::UnknownField.into()),
        ] {
            let mut body = whole();
            body[name] = value;
            assert_eq!(post(body.to_string().as_bytes(), None).map(|_| ()).unwrap_err(), refusal);
        }
        for name in ["clinic_id", "source", "submitted_at", "form_version", "form"] {
            let mut body = whole();
            body.as_object_mut().unwrap().remove(name);
            let refusal = post(body.to_string().as_bytes(), None).map(|_| ()).unwrap_err();
            assert_eq!(refusal, Kind::MissingField.at(name));
        }
    }

    #[test]
    fn keys_come_bare_or_quoted() {
        for good in [&b"s1"[..], b"\"s1\"", b" s1 "] {
            assert_eq!(idempotency_key(good).unwrap().as_str(), "s1");
        }
        for bad in [&b""[..], b"\"\"", b"\"s1", b"s 1", b"\xff", b"Jane Doe"] {
            assert_eq!(idempotency_key(bad).unwrap_err().kind, Kind::InvalidIdempotencyKey);
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(body: Vec<u8>, version: Option<String>) {
            let _ = post(&body, version.as_deref());
        }

        /// Whatever serde reads as a submission for this clinic and source, the gateway reads to the same.
        #[test]
        fn agrees_with_the_line(id in "[A-Za-z0-9._:-]{0,70}", at in "(2027-01-07T09:02:39Z|2027-01-07T09:02:39-05:00|2027-01-07|x)", form: bool) {
            let mut body = whole();
            body["submission_id"] = id.into();
            body["submitted_at"] = at.into();
            if !form { body.as_object_mut().unwrap().remove("form"); }
            let line = serde_json::from_value::<Submission>(body.clone());
            let door = post(body.to_string().as_bytes(), None);
            prop_assert_eq!(line.is_ok(), door.is_ok());
            if let (Ok(line), Ok(door)) = (line, door) {
                prop_assert_eq!(Some(line.submission_id), door.submission);
                prop_assert_eq!(Some(line.submitted_at), door.submitted_at);
                prop_assert_eq!(line.form, door.secret.form);
            }
        }
    }
}
