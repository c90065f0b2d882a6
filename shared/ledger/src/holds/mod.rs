//! What is held for a person: what is asked, what they decided, and what is to go on its way again.
//!
//! - [`Store::note_candidates`] and [`Store::note_slots`]: what a stage that holds wants the person to see.
//! - [`Store::holds`] and [`Store::hold`]: what a person sees.
//! - [`Store::decide`]: their decision, with all that it does to the ledger, in one transaction.
//! - [`Store::releases`] and [`Store::released`]: what is decided and not yet on its way.
//! - [`Store::decisions`] and [`Store::consents`]: what the stages follow.

mod decide;
mod effect;
pub(crate) mod found;
mod list;
mod release;
mod standing;

use domain::{
    AdmissionId, ClinicId, Code, FieldPath, LaneName, PersonId, Stage, SubmissionId,
    effect::Kind,
    hold::{Candidate, Offer, Verdict, Word},
    messages::Channel,
};
use jiff::Timestamp;
use serde::Serialize;

pub use release::Release;
pub use standing::{Chosen, Decisions, Persons};

use crate::{
    acts::Actor,
    read::{State, Thread},
};

/// Which holds; what is `None` does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HoldFilter {
    /// Of this clinic.
    pub clinic: Option<ClinicId>,
    /// By this stage.
    pub stage: Option<Stage>,
    /// With this code.
    pub code: Option<Code>,
}

/// What is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HoldRow {
    /// The admission: by this it is decided.
    pub admission_id: AdmissionId,
    /// The sender's identifier.
    pub submission_id: SubmissionId,
    /// The clinic.
    pub clinic_id: ClinicId,
    /// The stage that holds it.
    pub stage: Stage,
    /// In which lane.
    pub lane: LaneName,
    /// Why.
    pub code: Code,
    /// The field in question.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<FieldPath>,
    /// Since when.
    pub since: Timestamp,
    /// The start of the visit that is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub appointment_at: Option<Timestamp>,
}

/// A page of holds: by time to the visit, the soonest first and those without one last, then by how long they are held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HoldPage {
    /// The holds.
    pub holds: Vec<HoldRow>,
    /// Ask for what comes after this one; absent: this page is the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<AdmissionId>,
}

/// An effect in the EHR that is in doubt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Doubt {
    /// Whose it is: not always what is held, for effects are shared by the submissions of one person.
    pub admission_id: AdmissionId,
    /// What it is on.
    #[serde(serialize_with = "as_text")]
    pub kind: Kind,
    /// `create` or `update`.
    pub role: String,
    /// Where it stands: `parked`, `conflict` or `unknown`.
    pub state: String,
    /// For an update: the EHR's id of what was to be changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
}

/// A decision that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DecisionRow {
    /// When.
    pub at: Timestamp,
    /// Which stage held it.
    pub stage: Stage,
    /// Why it was held.
    pub code: Code,
    /// What was decided.
    pub decision: Word,
    /// What it names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub names: Option<String>,
    /// Who.
    pub actor: String,
    /// Why.
    pub reason: String,
}

/// All that a person sees of one hold, to decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// What is held.
    pub row: HoldRow,
    /// Whose it is, where that is known.
    pub person: Option<PersonId>,
    /// Who the person may be, as the stage found it.
    pub candidates: Vec<Candidate>,
    /// Slots that were free when it was held.
    pub slots: Vec<Offer>,
    /// What is in doubt in the EHR.
    pub doubts: Vec<Doubt>,
    /// The channels over which the patient may or may not have been told.
    pub channels: Vec<Channel>,
    /// What was decided about it before, oldest first.
    pub decisions: Vec<DecisionRow>,
}

/// A decision to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDecision {
    /// About what.
    pub admission: AdmissionId,
    /// What.
    pub verdict: Verdict,
    /// Who, in which role.
    pub actor: Actor,
    /// Why.
    pub reason: String,
}

/// A decision that was made just now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// What was held.
    pub row: HoldRow,
    /// Where it stands now.
    pub state: State,
    /// For a decision on an effect in the EHR: on which.
    pub effect: Option<Kind>,
    /// Its correlation id and its trace.
    pub thread: Thread,
}

/// Why nothing was decided, and nothing changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Undecided {
    /// Later. It may have been decided.
    #[error(transparent)]
    Down(#[from] domain::ports::StoreDown),
    /// There is no such admission.
    #[error("no such admission")]
    Unknown,
    /// It is not held, or no longer.
    #[error("it is not held")]
    NotHeld,
    /// What is asked cannot be answered so.
    #[error("the question is another")]
    NotAllowed(Code),
    /// It names somebody, a slot or a channel that was not offered, or none of several; or a slot that is in the past.
    #[error("it names what was not offered")]
    NotOffered,
    /// Nothing is in doubt of its own, nor of what nobody else can answer for.
    #[error("nothing of it is in doubt")]
    NothingInDoubt,
    /// The line is at it again.
    #[error("the line is at it")]
    UnderWay,
    /// The change that is in doubt is of another resource.
    #[error("another resource was to be changed")]
    AnotherResource,
    /// The original is no longer kept: it can only be closed.
    #[error("the original is no longer kept")]
    OriginalGone,
}

fn as_text<S: serde::Serializer>(kind: &Kind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(kind.as_str())
}
