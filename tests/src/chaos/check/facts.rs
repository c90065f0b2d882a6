//! What is known, each by the one who knows. Nothing here has a `Debug`: some of it stands for PHI.

use domain::effect::Kind;
use jiff::Timestamp;
use testkit::sandbox::{Channel, Write};
use uuid::Uuid;

use crate::chaos::senders::Tally;

/// Everything that is judged.
#[derive(Default)]
pub struct Facts {
    /// The senders' list.
    pub tally: Tally,
    /// Postgres.
    pub ledger: Ledger,
    /// The EHR's contents.
    pub ehr: Ehr,
    /// The EHR's log, in order of arrival.
    pub writes: Vec<Write>,
    /// What patients got.
    pub messages: Vec<Told>,
    /// Every queue.
    pub queues: Vec<Queue>,
    /// What lies in the dead-letter queues, and what was collected from them.
    pub dead: Vec<Dead>,
}

/// The ledger and the journal.
#[derive(Default)]
pub struct Ledger {
    /// `submission`.
    pub submissions: Vec<Submission>,
    /// `journal`, folded by admission.
    pub hops: Vec<Hops>,
    /// The message ids of what the journal says died without having been admitted.
    pub unreadable: Vec<Uuid>,
    /// `ehr_op`.
    pub ops: Vec<Op>,
    /// `ehr_attempt`, by effect and in order.
    pub attempts: Vec<Attempt>,
    /// `notification`.
    pub notices: Vec<Notice>,
}

/// A row of `submission`.
pub struct Submission {
    /// Its key.
    pub admission: Uuid,
    /// Order of admission.
    pub seq: i64,
    /// The clinic.
    pub clinic: String,
    /// The sender's id.
    pub submission: String,
    /// A refused conflicting copy of another row.
    pub copy: bool,
    /// Where it stands.
    pub state: String,
    /// Why.
    pub code: Option<String>,
    /// The EHR's patient.
    pub patient: Option<String>,
    /// The EHR's appointment.
    pub appointment: Option<String>,
}

/// What the journal says of one admission.
pub struct Hops {
    /// Which.
    pub admission: Uuid,
    /// Whether validation, eligibility and ehr-writer each handed it on.
    pub handed_on: [bool; 3],
    /// Whether notification settled it, or holds it.
    pub ended: bool,
    /// The state in the last row that has one.
    pub state: Option<String>,
}

/// A row of `ehr_op`.
pub struct Op {
    /// Its key.
    pub op: Uuid,
    /// Whose.
    pub admission: Uuid,
    /// What it writes.
    pub kind: Kind,
    /// Or an earlier round.
    pub in_force: bool,
    /// An update of what was there, or a create.
    pub update: bool,
    /// In lower-case hexadecimal, as it stands in the resource.
    pub idempotency: String,
    /// Order of admission.
    pub seq: i64,
    /// Where it stands.
    pub state: String,
    /// Leases begun.
    pub attempts: i32,
    /// The EHR's id.
    pub resource: Option<String>,
    /// The number in the version, if there is one.
    pub version: Option<u64>,
}

/// What a row of `ehr_attempt` says happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A lease was begun.
    Intent,
    /// The write was answered with an id.
    Done,
    /// It was never sent, or had no effect.
    NotSent,
    /// Another version was there.
    Stale,
    /// It was refused.
    Rejected,
    /// Its outcome is not known.
    Ambiguous,
    /// The lease ran out.
    Lapsed,
    /// A search found it.
    Found,
    /// A search found several, or something else.
    FoundConflict,
    /// A search found nothing.
    FoundNone,
    /// Something newer is there: not written.
    Skipped,
    /// It is there by another submission: not written.
    Reused,
}

impl Step {
    /// By the name in the row.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "intent" => Self::Intent,
            "done" => Self::Done,
            "not_sent" => Self::NotSent,
            "stale" => Self::Stale,
            "rejected" => Self::Rejected,
            "ambiguous" => Self::Ambiguous,
            "lapsed" => Self::Lapsed,
            "found" => Self::Found,
            "found_conflict" => Self::FoundConflict,
            "found_none" => Self::FoundNone,
            "skipped" => Self::Skipped,
            "reused" => Self::Reused,
            _ => return None,
        })
    }
}

/// A row of `ehr_attempt`.
pub struct Attempt {
    /// Of which effect.
    pub op: Uuid,
    /// The lease in force.
    pub attempt: i32,
    /// What happened.
    pub step: Step,
    /// The state that it led to.
    pub state: String,
    /// When: taken within the transaction, after the locks and before the commit.
    pub at: Timestamp,
    /// When it was committed; `at` where Postgres does not keep that.
    pub committed_at: Timestamp,
}

/// A row of `notification`.
pub struct Notice {
    /// Whose.
    pub admission: Uuid,
    /// How.
    pub channel: Channel,
    /// Where it stands.
    pub state: String,
    /// The provider's id of the message.
    pub provider: Option<String>,
}

/// What the EHR holds.
#[derive(Default)]
pub struct Ehr {
    /// All patients.
    pub patients: Vec<Patient>,
    /// All coverages.
    pub coverages: Vec<Coverage>,
    /// All appointments.
    pub appointments: Vec<Appointment>,
    /// Slots that are busy.
    pub busy: Vec<Slot>,
    /// Ids of anything else that somebody could have written.
    pub others: Vec<String>,
}

/// A patient in the EHR.
pub struct Patient {
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: u64,
    /// Our identifiers on it.
    pub identifiers: Vec<String>,
    /// E-mails, in lower case.
    pub emails: Vec<String>,
    /// Street lines of all addresses, in lower case.
    pub streets: Vec<String>,
}

/// A coverage in the EHR.
pub struct Coverage {
    /// Its id.
    pub id: String,
    /// Our identifiers on it.
    pub identifiers: Vec<String>,
    /// The patient's id.
    pub patient: String,
    /// The member's id.
    pub member: String,
}

/// An appointment in the EHR.
pub struct Appointment {
    /// Its id.
    pub id: String,
    /// Our identifiers on it.
    pub identifiers: Vec<String>,
    /// The patient's id.
    pub patient: String,
    /// The provider's name.
    pub provider: String,
    /// Its start.
    pub start: Timestamp,
}

/// A busy slot in the EHR.
pub struct Slot {
    /// Its id.
    pub id: String,
    /// Our identifiers on it.
    pub identifiers: Vec<String>,
    /// The provider's id.
    pub provider: String,
    /// Its start.
    pub start: Timestamp,
}

/// A message that a patient got.
pub struct Told {
    /// How.
    pub channel: Channel,
    /// A text's id, or a mail's `Message-ID`: what the ledger keeps of it.
    pub id: String,
    /// The recipient, in lower case.
    pub to: String,
    /// The start that a mail's calendar part tells.
    pub start: Option<Timestamp>,
}

/// A queue.
#[derive(Debug, Clone)]
pub struct Queue {
    /// Its name.
    pub name: String,
    /// Messages, ready and in hand.
    pub messages: u64,
}

impl Queue {
    /// Whether it is for dead letters.
    pub fn is_dead_letters(&self) -> bool {
        self.name.ends_with(".dlq")
    }
}

/// A dead letter.
#[derive(Debug, Clone)]
pub struct Dead {
    /// The queue where it lies, or was collected from.
    pub queue: String,
    /// Its message id.
    pub message: Option<Uuid>,
}
