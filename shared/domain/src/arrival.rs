//! A submission as it arrives: in clear from a scenario, or sealed by the gateway. Either way it leaves here sealed.
//!
//! Validation reads what comes by it, and whoever wants to know what validation would make of a dead letter.

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::{
    ClinicId, Code, CorrelationId, Fault, FieldPath, Meta, Phi, SubmissionId,
    envelope::{self, Envelope, RAW_SCHEMA, Secret},
    ids::SourceName,
    meta::Mode,
    seal::Keyring,
    strict,
    submission::{SCHEMA, SOURCES, SubmittedForm},
    template::Clinics,
};

/// Largest body, bytes: the gateway's limit, and room for the envelope around it.
const MAX_BYTES: usize = 384 * 1024;
/// Deepest nesting, levels: the gateway's limit.
const MAX_DEPTH: usize = 32;

/// A message as it came. Its body may be PHI in clear: it has no `Debug`.
#[derive(Clone, Copy)]
pub struct Came<'a> {
    /// The body.
    pub body: &'a [u8],
    /// The schema that the sender named beside it.
    pub schema: Option<&'a str>,
    /// The content type, if the sender set one.
    pub content_type: Option<&'a str>,
    /// When it was taken in hand.
    pub received_at: Timestamp,
    /// The correlation id of a submission that has none yet.
    pub correlation: CorrelationId,
}

/// One submission to be judged.
pub struct Arrival {
    /// Who sent what for whom.
    pub meta: Meta,
    /// The form, or what keeps it from being one.
    pub form: Result<Phi<SubmittedForm>, Flaw>,
    /// The submission as it is kept for replay.
    pub original: Envelope,
}

/// A submission that can be named, but not used: the sender is told which member is wrong. It holds PHI: no `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Flaw {
    /// Missing or invalid.
    pub code: Code,
    /// Which member.
    pub field: FieldPath,
    /// The whole submission.
    pub content: Option<Value>,
}

impl Flaw {
    const fn new(code: Code, field: &'static str) -> Self {
        Self { code, field: FieldPath::known(field), content: None }
    }
}

impl Arrival {
    /// Reads a message of the ingest exchange.
    ///
    /// # Errors
    /// A permanent [`Fault`] if it is nobody's submission: not readable, of another schema, or sealed with a key that is not there.
    pub fn read(came: Came<'_>, keys: &Keyring) -> Result<Self, Fault> {
        Self::read_at(None, came, keys)
    }

    /// The same, where the clinics are known: what came in clear for another one is of nobody's clinic. What its sender wrote there, which may be
    /// a name, is with the rest of it in the sealed original, and nowhere else.
    ///
    /// # Errors
    /// As [`Arrival::read`].
    pub fn read_at(clinics: Option<&Clinics>, came: Came<'_>, keys: &Keyring) -> Result<Self, Fault> {
        if came.body.len() > MAX_BYTES {
            return Err(Fault::permanent(Code::TooLarge));
        }
        if came.schema.is_some_and(|schema| schema != SCHEMA && schema != RAW_SCHEMA) {
            return Err(Fault::permanent(Code::UnknownSchema));
        }
        if came.content_type != Some(envelope::CONTENT_TYPE) {
            return Self::clear(clinics, came.body, (came.received_at, came.correlation), keys);
        }
        let sealed = Envelope::from_slice(came.body)?;
        if sealed.schema == RAW_SCHEMA {
            // It came in clear once, and was sealed as it was to wait.
            let body = sealed.open_bytes(keys)?;
            return Self::clear(clinics, body.expose(), (sealed.meta.received_at, came.correlation), keys);
        }
        let form = sealed.clone().open::<SubmittedForm>(keys)?.secret;
        Ok(Self { meta: sealed.meta.clone(), form: Ok(form), original: sealed })
    }

    /// Whether people corrected something in it.
    pub fn is_corrected(&self) -> bool {
        self.form.as_ref().is_ok_and(|form| !form.expose().corrections.is_empty())
    }

    /// Reads a clear submission member by member: with a submission and a clinic it can be rejected by name, so that its
    /// sender can look it up; without them it is nobody's, and dead.
    fn clear(
        clinics: Option<&Clinics>,
        body: &[u8],
        (received_at, correlation): (Timestamp, CorrelationId),
        keys: &Keyring,
    ) -> Result<Self, Fault> {
        let Ok(Value::Object(map)) = strict::parse(body, MAX_DEPTH) else {
            return Err(Fault::permanent(Code::Malformed));
        };
        let submission = text(&map, "submission_id").and_then(|id| SubmissionId::parse(id).ok());
        let clinic = text(&map, "clinic_id").and_then(|id| ClinicId::parse(id).ok());
        let (Some(submission), Some(clinic)) = (submission, clinic) else {
            return Err(Fault::permanent(Code::Malformed));
        };
        let source = member(&map, "source", source);
        let submitted_at = member(&map, "submitted_at", moment);
        let form_version = member(&map, "form_version", |text| Some(text.to_owned()));
        let known = clinics.is_none_or(|clinics| clinics.get(&clinic).is_some());
        let meta = Meta {
            submission,
            clinic: if known { clinic } else { nowhere() },
            source: source.clone().unwrap_or_else(|_| unnamed()),
            submitted_at: submitted_at.clone().unwrap_or(received_at),
            received_at,
            correlation,
            admission: None,
            person: None,
            template: None,
            mode: Mode::Live,
            appointment_at: None,
        };
        let missing = || Flaw::new(Code::MissingField, "form");
        let flaw = source.err().or(submitted_at.err()).or_else(|| stranger(&map));
        let flaw = flaw.or_else(|| (!known).then(|| Flaw::new(Code::UnknownClinic, "clinic_id")));
        let form = match (flaw, form_version, map.get("form")) {
            (Some(flaw), ..) | (None, Err(flaw), _) => Err(flaw),
            (None, Ok(_), None) => Err(missing()),
            (None, Ok(form_version), Some(form)) => Ok(SubmittedForm::new(form_version, form.clone())),
        };
        // What cannot be used is kept as it came, so that a person can see what was sent.
        let form = form.map_err(|flaw| Flaw { content: Some(Value::Object(map)), ..flaw });
        let kept = match &form {
            Ok(form) => serde_json::to_vec(form),
            Err(flaw) => {
                let content = flaw.content.clone().unwrap_or_default();
                serde_json::to_vec(&SubmittedForm::new(String::new(), content))
            }
        }
        .map_err(|_| Fault::permanent(Code::Malformed))?;
        let original = Envelope::seal_bytes(SubmittedForm::SCHEMA, meta.clone(), Phi::new(kept), keys)?;
        Ok(Self { meta, form: form.map(Phi::new), original })
    }
}

const MEMBERS: [&str; 6] = ["submission_id", "clinic_id", "source", "submitted_at", "form_version", "form"];

/// A member that the schema does not have is refused, not dropped: what it says would be lost unseen.
fn stranger(map: &Map<String, Value>) -> Option<Flaw> {
    let known = map.keys().all(|key| MEMBERS.contains(&key.as_str()));
    (!known).then(|| Flaw::new(Code::InvalidField, "submission"))
}

fn text<'a>(map: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    map.get(key).and_then(Value::as_str)
}

fn member<T>(
    map: &Map<String, Value>,
    key: &'static str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<T, Flaw> {
    match map.get(key) {
        None => Err(Flaw::new(Code::MissingField, key)),
        Some(value) => value.as_str().and_then(parse).ok_or(Flaw::new(Code::InvalidField, key)),
    }
}

fn source(text: &str) -> Option<SourceName> {
    SourceName::parse(text).ok().filter(|source| SOURCES.contains(&source.as_str()))
}

/// A moment that a form can have been sent at: databases and calendars have trouble with others.
fn moment(text: &str) -> Option<Timestamp> {
    let at: Timestamp = text.parse().ok()?;
    let year = at.to_zoned(jiff::tz::TimeZone::UTC).year();
    (2000..2200).contains(&year).then_some(at)
}

/// The source of a submission whose own cannot be read.
#[allow(clippy::expect_used, reason = "a constant that fits the type's rule")]
fn unnamed() -> SourceName {
    SourceName::parse("unknown").expect("fits the rule")
}

/// What stands for the clinic of a submission whose own is not there.
const NOWHERE: &str = "unknown";

/// Whether it stands for clinics that are not there: nobody works there who could decide anything.
pub fn is_nobodys(clinic: &ClinicId) -> bool {
    clinic.as_str() == NOWHERE
}

/// The clinic of a submission whose own is not there.
#[allow(clippy::expect_used, reason = "a constant that fits the type's rule")]
fn nowhere() -> ClinicId {
    ClinicId::parse(NOWHERE).expect("fits the rule")
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::{Arrival, Came};
    use crate::{CorrelationId, seal::Keyring, submission::SOURCES, template::Clinics};

    /// As it stands outside of the seal, and whether it is a form.
    fn outside(member: &str, value: Value) -> (String, bool) {
        let keys = Keyring::new([("k".to_owned(), vec![7; 32])]).unwrap();
        let clinics = Clinics::from_sources(Vec::<(String, String)>::new()).unwrap();
        let mut body = json!({"submission_id": "s-1", "clinic_id": "clinic-01", "source": "kiosk",
            "submitted_at": "2027-01-07T09:00:00Z", "form_version": "1", "form": {"a": 1}});
        body[member] = value;
        let text = body.to_string();
        let came = Came {
            body: text.as_bytes(),
            schema: None,
            content_type: None,
            received_at: Timestamp::UNIX_EPOCH,
            correlation: CorrelationId::from_uuid(Uuid::nil()),
        };
        let all = Arrival::read(came, &keys).unwrap();
        let known = Arrival::read_at(Some(&clinics), came, &keys).unwrap();
        let kept = known.original.open_bytes(&keys).unwrap();
        let kept = String::from_utf8(kept.expose().clone()).unwrap();
        assert!(kept.contains(body["clinic_id"].as_str().unwrap()), "sealed as it came");
        assert!(all.meta.clinic.as_str() == body["clinic_id"], "nobody said which there are");
        (serde_json::to_string(&known.original).unwrap(), all.form.is_ok())
    }

    #[test]
    fn a_source_is_one_of_a_list_and_nothing_else_stands_outside_of_the_seal() {
        for source in SOURCES {
            let (envelope, form) = outside("source", source.into());
            assert!(form && envelope.contains(source), "{source}");
        }
        let (envelope, form) = outside("source", "zuvirobade".into());
        assert!(!form && !envelope.contains("zuvirobade") && envelope.contains("\"source\":\"unknown\""));
    }

    #[test]
    fn a_clinic_that_is_not_there_stands_in_the_seal_only() {
        let (envelope, _) = outside("clinic_id", "zuvirobade".into());
        assert!(
            !envelope.contains("zuvirobade") && envelope.contains("\"clinic\":\"unknown\""),
            "{envelope}"
        );
    }
}
