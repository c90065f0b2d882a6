//! One submission: where it stands and how it got there.

use domain::{Code, CorrelationId, SubmissionId};
use jiff::Timestamp;
use ledger::read::{EffectEvent, JournalRow, Status, Timeline};
use serde::Serialize;

/// One admission with all that happened to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Admission {
    /// The clinic.
    pub clinic_id: String,
    /// Whether it is a refused copy with other content.
    pub copy: bool,
    /// `in_flight`, `completed`, `duplicate`, `rejected`, `held` or `dead`.
    pub state: &'static str,
    /// Why, where there is a why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
    /// The field in question.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The submission that it repeats.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duplicate_of: Option<SubmissionId>,
    /// The EHR's id of the patient.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patient: Option<String>,
    /// The EHR's id of the appointment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub appointment: Option<String>,
    /// What the payer said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eligibility: Option<&'static str>,
    /// Channels over which the patient was told, once that is settled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notified: Option<Vec<String>>,
    /// The correlation id.
    pub correlation_id: CorrelationId,
    /// When it was first seen.
    pub received_at: Timestamp,
    /// When it came to where it stands; absent in flight.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settled_at: Option<Timestamp>,
    /// Hop by hop, from the journal.
    pub timeline: Vec<Step>,
    /// Leases, outcomes and searches of the effects in the EHR, from the ledger.
    pub effects: Vec<Effect>,
}

/// One line of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// When it was decided.
    pub at: Timestamp,
    /// How long it was in hand, milliseconds.
    pub took_ms: i64,
    /// Where.
    pub stage: String,
    /// In which lane.
    pub lane: String,
    /// `emitted`, `settled`, `held`, `snoozed`, `retried` or `died`.
    pub event: String,
    /// Which attempt, from 1.
    pub attempt: i32,
    /// Why, where there is a why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
    /// The field in question.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The endpoint in question.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The template in force, `<id>@<version>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// W3C trace id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// The person or program behind it, where it was not the line itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
}

/// One line of the ledger's attempts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Effect {
    /// When.
    pub at: Timestamp,
    /// What the effect is on.
    pub kind: &'static str,
    /// Which attempt, from 1.
    pub attempt: i32,
    /// What happened.
    pub event: String,
    /// The state that it led to.
    pub state: String,
    /// Why, where there is a why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
}

impl Admission {
    /// From the ledger's row and the journal's.
    pub fn new(status: Status, timeline: Timeline) -> Self {
        Self {
            clinic_id: status.clinic.into(),
            copy: status.copy,
            state: status.state.as_str(),
            code: status.code,
            field: status.field.map(|field| field.as_str().to_owned()),
            duplicate_of: status.duplicate_of,
            patient: status.patient,
            appointment: status.appointment,
            eligibility: status.eligibility.map(|status| status.as_str()),
            notified: status.notified,
            correlation_id: status.correlation,
            received_at: status.received_at,
            settled_at: status.settled_at,
            timeline: timeline.hops.into_iter().map(Step::from).collect(),
            effects: timeline.effects.into_iter().map(Effect::from).collect(),
        }
    }
}

impl From<JournalRow> for Step {
    fn from(row: JournalRow) -> Self {
        Self {
            took_ms: row.at.as_millisecond() - row.started_at.as_millisecond(),
            at: row.at,
            stage: row.stage,
            lane: row.lane,
            event: row.event,
            attempt: row.attempt,
            code: row.code,
            field: row.field,
            endpoint: row.endpoint,
            template: row.template.map(|(id, version)| format!("{id}@{version}")),
            trace_id: row.trace_id,
            actor: row.actor,
        }
    }
}

impl From<EffectEvent> for Effect {
    fn from(event: EffectEvent) -> Self {
        Self {
            at: event.at,
            kind: event.kind.as_str(),
            attempt: event.attempt,
            event: event.event,
            state: event.state,
            code: event.code,
        }
    }
}
