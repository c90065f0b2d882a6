//! Dead letters: what is kept of them, and the fingerprint of what they died of. No PHI in clear in any of it.

use jiff::Timestamp;

use crate::{
    AdmissionId, ClinicId, Code, CorrelationId, Endpoint, FieldPath, LaneName, MessageId, Stage,
    SubmissionId, digest::of_parts, ids::LetterId, meta::TemplateRef,
};

/// Where something died, and of what. Equal for failures of one cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cause<'a> {
    /// The stage that gave up.
    pub stage: Stage,
    /// Why.
    pub code: Option<Code>,
    /// The endpoint in question.
    pub endpoint: Option<&'a Endpoint>,
    /// The field in question.
    pub field: Option<&'a FieldPath>,
    /// The template in force.
    pub template: Option<&'a TemplateRef>,
}

impl Cause<'_> {
    /// `<stage>/<code>/<endpoint or field>/<template>@<version>`, with `-` for what is not known. Made of closed lists, configuration and
    /// our own model only: no text of an error or of a sender is in it.
    pub fn fingerprint(&self) -> String {
        let Self { stage, code, endpoint, field, template } = self;
        let code = code.map_or("-", Code::as_str);
        let about = endpoint.map(Endpoint::as_str).or(field.map(FieldPath::as_str)).unwrap_or("-");
        let template = template.map_or_else(|| "-".to_owned(), ToString::to_string);
        format!("{stage}/{code}/{about}/{template}")
    }
}

/// A dead letter, ready to be kept.
#[derive(Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// This arrival of it.
    pub id: LetterId,
    /// The hand-off that died; `None` if the sender named none.
    pub message: Option<MessageId>,
    /// The stage that gave up, or whose consumer it kept killing.
    pub stage: Stage,
    /// In which lane.
    pub lane: LaneName,
    /// Why; `None` if the stage that gave up speaks of a code that this version does not know.
    pub code: Option<Code>,
    /// The field in question.
    pub field: Option<FieldPath>,
    /// The endpoint in question.
    pub endpoint: Option<Endpoint>,
    /// The template in force.
    pub template: Option<TemplateRef>,
    /// The admission, where it was admitted.
    pub admission: Option<AdmissionId>,
    /// The sender's identifier, as far as it is known.
    pub submission: Option<SubmissionId>,
    /// The clinic, as far as it is known.
    pub clinic: Option<ClinicId>,
    /// The correlation id.
    pub correlation: CorrelationId,
    /// W3C trace id, 32 hexadecimal digits.
    pub trace_id: Option<String>,
    /// Which attempt was the last, from 1.
    pub attempt: u32,
    /// When the first attempt failed.
    pub first_failed_at: Option<Timestamp>,
    /// When it died.
    pub died_at: Timestamp,
    /// When it was collected.
    pub collected_at: Timestamp,
    /// The requested appointment's start.
    pub appointment_at: Option<Timestamp>,
    /// The schema of the body.
    pub schema: String,
    /// The body: an envelope, sealed.
    pub body: Vec<u8>,
}

impl DeadLetter {
    /// The fingerprint of what it died of.
    pub fn fingerprint(&self) -> String {
        let Self { stage, code, endpoint, field, template, .. } = self;
        let (endpoint, field, template) = (endpoint.as_ref(), field.as_ref(), template.as_ref());
        Cause { stage: *stage, code: *code, endpoint, field, template }.fingerprint()
    }
}

/// A dead letter on its way back into the line: the same hand-off again, so that all that it does is known for what was done.
#[derive(Clone, PartialEq, Eq)]
pub struct Again {
    /// The dead letter.
    pub id: LetterId,
    /// The hand-off that died. Of one that had no name every replay has the same.
    pub message: MessageId,
    /// The stage that gave up.
    pub stage: Stage,
    /// In which lane.
    pub lane: LaneName,
    /// The clinic, as far as it is known.
    pub clinic: Option<ClinicId>,
    /// The correlation id.
    pub correlation: CorrelationId,
    /// W3C trace id, 32 hexadecimal digits.
    pub trace_id: Option<String>,
    /// The schema of the body.
    pub schema: String,
    /// The body: an envelope, sealed.
    pub body: Vec<u8>,
}

impl LetterId {
    /// The same for every delivery of one arrival, whoever takes it and however often: made of the queue, the message's id, the moment
    /// of death, and the body as it came. A message that dies again later is another arrival.
    pub fn of(queue: &str, message: Option<MessageId>, died_at: Timestamp, body: &[u8]) -> Self {
        let message = message.map(|id| id.as_uuid().into_bytes()).unwrap_or_default();
        let died_at = died_at.as_nanosecond().to_be_bytes();
        Self::from_uuid(of_parts(&[queue.as_bytes(), &message, &died_at, body]))
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use uuid::Uuid;

    use super::Cause;
    use crate::{Code, Endpoint, FieldPath, MessageId, Stage, ids::LetterId, meta::TemplateRef};

    #[test]
    fn a_fingerprint_names_the_cause_and_its_place() {
        let (endpoint, field) = (Endpoint::ehr("main"), FieldPath::known("patient.given"));
        let template = TemplateRef { id: "clinic-01".to_owned(), version: 3 };
        let nothing =
            Cause { stage: Stage::EhrWriter, code: None, endpoint: None, field: None, template: None };
        assert_eq!(nothing.fingerprint(), "ehr-writer/-/-/-");
        let refused = Cause { code: Some(Code::EhrRejected), field: Some(&field), ..nothing };
        assert_eq!(refused.fingerprint(), "ehr-writer/ehr_rejected/patient.given/-");
        let at = Cause { endpoint: Some(&endpoint), template: Some(&template), ..refused };
        assert_eq!(at.fingerprint(), "ehr-writer/ehr_rejected/ehr:main/clinic-01@3");
    }

    #[test]
    fn an_arrival_keeps_its_id_and_shares_it_with_no_other() {
        let (message, at) = (Some(MessageId::from_uuid(Uuid::from_u128(1))), Timestamp::UNIX_EPOCH);
        let id = LetterId::of("validation.a.dlq", message, at, b"x");
        assert_eq!(id, LetterId::of("validation.a.dlq", message, at, b"x"));
        for other in [
            LetterId::of("validation.b.dlq", message, at, b"x"),
            LetterId::of("validation.a.dlq", None, at, b"x"),
            LetterId::of("validation.a.dlq", message, Timestamp::MAX, b"x"),
            LetterId::of("validation.a.dlq", message, at, b"y"),
        ] {
            assert_ne!(id, other);
        }
    }
}
