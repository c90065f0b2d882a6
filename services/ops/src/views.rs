//! What the API shows. No PHI: states, codes, field paths of our own model, and opaque ids.

use domain::{Code, CorrelationId, SubmissionId, ports::SwitchScope};
use jiff::Timestamp;
use ledger::read::{Counts, EffectEvent, JournalRow, Percentiles, Status, Timeline};
use serde::{Serialize, Serializer};

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

/// Counts to be held against the source's and the EHR's own.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reconciliation {
    /// Submissions admitted, without refused copies.
    pub submissions: u64,
    /// Refused copies.
    pub copies: u64,
    /// Persons known.
    pub persons: u64,
    /// By state and code, copies included.
    pub states: Vec<StateCount>,
    /// What the journal knows.
    pub journal: JournalCounts,
    /// Effects in the EHR.
    pub effects: Vec<EffectCount>,
    /// Messages to patients.
    pub notifications: Vec<NotificationCount>,
    /// How long completed submissions took.
    pub took: Took,
}

/// How many submissions stand there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StateCount {
    /// The state.
    pub state: &'static str,
    /// The code, where the state has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
    /// How many.
    pub count: u64,
}

/// What the journal knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JournalCounts {
    /// Different submissions, copies included.
    pub submissions: u64,
    /// Messages that could not be admitted at all.
    pub undecodable: u64,
}

/// How many effects stand there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EffectCount {
    /// What they are on.
    pub kind: &'static str,
    /// `create` or `update`.
    pub role: String,
    /// The state, such as `done`.
    pub state: String,
    /// How many.
    pub count: u64,
    /// How many different resources of the EHR.
    pub resources: u64,
}

/// How many messages to patients stand there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotificationCount {
    /// The channel.
    pub channel: String,
    /// The state, such as `sent`.
    pub state: String,
    /// How many.
    pub count: u64,
}

/// From first seen to settled, milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Took {
    /// How many completed.
    pub count: u64,
    /// Half took at most this.
    pub p50_ms: f64,
    /// 99 of 100 took at most this.
    pub p99_ms: f64,
    /// The longest.
    pub max_ms: f64,
}

impl Reconciliation {
    /// From the ledger's counts.
    pub fn new(counts: Counts, took: Percentiles) -> Self {
        let states = counts.states.into_iter();
        let effects = counts.effects.into_iter();
        let sent = counts.notifications.into_iter();
        Self {
            submissions: counts.submissions,
            copies: counts.copies,
            persons: counts.persons,
            states: states
                .map(|one| StateCount { state: one.state.as_str(), code: one.code, count: one.count })
                .collect(),
            journal: JournalCounts {
                submissions: counts.journal_submissions,
                undecodable: counts.journal_undecodable,
            },
            effects: effects
                .map(|one| EffectCount {
                    kind: one.kind.as_str(),
                    role: one.role,
                    state: one.state,
                    count: one.count,
                    resources: one.resources,
                })
                .collect(),
            notifications: sent
                .map(|(channel, state, count)| NotificationCount { channel, state, count })
                .collect(),
            took: Took { count: took.count, p50_ms: took.p50_ms, p99_ms: took.p99_ms, max_ms: took.max_ms },
        }
    }
}

/// The line at a glance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Glance {
    /// Submissions by state, refused copies included; every state is there.
    pub states: Vec<StateCount>,
    /// What the broker says of its queues; `null` if its management API is not configured or does not answer.
    pub queues: Option<Vec<Queue>>,
    /// What is paused.
    pub paused: Vec<Pause>,
}

/// One queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Queue {
    /// `<stage>.<lane>`, `<stage>.<lane>.dlq` or `wait.<delay>`.
    pub queue: String,
    /// Messages that wait.
    pub ready: u64,
    /// Messages in a consumer's hand.
    pub unacknowledged: u64,
}

/// A scope that is paused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pause {
    /// What, as `<kind>:<name>`.
    #[serde(serialize_with = "as_text")]
    pub scope: SwitchScope,
    /// Who said so.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
    /// Until when; absent: until it is resumed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

impl From<ledger::switches::Pause> for Pause {
    fn from(pause: ledger::switches::Pause) -> Self {
        Self {
            scope: pause.scope,
            actor: pause.actor,
            reason: pause.reason,
            since: pause.since,
            until: pause.until,
        }
    }
}

fn as_text<S: Serializer>(scope: &SwitchScope, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(scope)
}
