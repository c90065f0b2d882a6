//! What each hop leaves behind: one journal row without PHI, and the submission's new state.

use jiff::Timestamp;

use crate::{
    AdmissionId, ClinicId, Code, CorrelationId, Endpoint, FieldPath, LaneName, MessageId, Stage,
    SubmissionId,
    messages::{Channel, EligibilityStatus},
    meta::TemplateRef,
    outcome::Settled,
};

/// What happened at a hop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// Handed on.
    Emitted,
    /// Ended.
    Settled,
    /// A person decides.
    Held,
    /// Not yet; waits.
    Snoozed,
    /// A transient fault; waits.
    Retried,
    /// To the dead letters.
    Died,
}

impl Event {
    /// The name in rows.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Emitted => "emitted",
            Self::Settled => "settled",
            Self::Held => "held",
            Self::Snoozed => "snoozed",
            Self::Retried => "retried",
            Self::Died => "died",
        }
    }
}

/// A change of the submission's state, committed with the journal row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transition {
    /// It ended.
    Settle(Settled),
    /// A person decides.
    Hold {
        /// Why.
        code: Code,
        /// Where.
        field: Option<FieldPath>,
    },
    /// It is a dead letter.
    Die {
        /// Why.
        code: Code,
        /// Where.
        field: Option<FieldPath>,
    },
}

/// Facts that a stage found and that the submission's row shows. `None` and empty leave what is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// What the payer said.
    pub eligibility: Option<EligibilityStatus>,
    /// The EHR's patient.
    pub patient: Option<String>,
    /// The EHR's appointment.
    pub appointment: Option<String>,
    /// Channels over which the patient was told: `Some(vec![])` means settled without any.
    pub notified: Option<Vec<Channel>>,
}

/// One hop, ready to be committed.
#[derive(Debug, Clone)]
pub struct Hop {
    /// The admission row; `None` for what could not be admitted (undecodable messages).
    pub admission: Option<AdmissionId>,
    /// The sender's identifier, as far as it is known.
    pub submission: Option<SubmissionId>,
    /// The clinic, as far as it is known.
    pub clinic: Option<ClinicId>,
    /// The correlation id.
    pub correlation: Option<CorrelationId>,
    /// The delivery that was handled.
    pub message: MessageId,
    /// Where.
    pub stage: Stage,
    /// In which lane.
    pub lane: LaneName,
    /// What happened.
    pub event: Event,
    /// Why, where there is a why.
    pub code: Option<Code>,
    /// The field in question.
    pub field: Option<FieldPath>,
    /// The endpoint in question.
    pub endpoint: Option<Endpoint>,
    /// The template in force.
    pub template: Option<TemplateRef>,
    /// Which attempt this was, from 1.
    pub attempt: u32,
    /// W3C trace id, 32 hexadecimal digits.
    pub trace_id: Option<String>,
    /// When the delivery was taken in hand.
    pub started_at: Timestamp,
    /// When it was decided.
    pub finished_at: Timestamp,
    /// The new state of the submission, if it changes.
    pub transition: Option<Transition>,
    /// What was found.
    pub facts: Facts,
    /// For a hold: the sealed envelope that goes on when a person has decided.
    pub parked: Option<Vec<u8>>,
}
