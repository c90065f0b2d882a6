//! Replaying dead letters by plan.
//!
//! A plan freezes a selection by id, with what the dry run said of each letter. A run takes its letters in their order: under the
//! plan's lock it looks once more at what the ledger knows, has the message published, and marks it. A crash between publishing and
//! marking repeats the publishing: it is the same hand-off again, and all that follows is done once. Several processes may run one plan:
//! the lock lets one at a time do one letter.

mod edited;
mod gate;
mod look;
mod lost;
mod next;
mod plan;
mod run;
mod show;
mod weigh;

use domain::{Code, FieldPath};

pub use edited::{Admitted, Ground, NewBody, OpenEdit, Standing};
pub use look::{Known, Knows};
pub use next::Next;
pub use plan::{Choice, DryLetter, NewItem};
pub use run::{Begun, Rules};
pub use show::{ItemPage, ItemRow, PlanRow, Tally};
pub(crate) use weigh::give_up;

use crate::acts::names;

names! {
    /// Where a plan stands.
    PlanState, UnknownPlanState: "not a state of a plan: ready, running, done, stopped or cancelled";
    /// It was made, and nothing was begun.
    Ready = "ready",
    /// Its letters are being published, or what becomes of them is not known of all.
    Running = "running",
    /// All was published, and what became of it is known.
    Done = "done",
    /// Too many failed, or nothing was heard of what was published: see [`Because`].
    Stopped = "stopped",
    /// Somebody ended it.
    Cancelled = "cancelled",
}

impl PlanState {
    /// Whether a run may begin.
    pub const fn may_begin(self) -> bool {
        matches!(self, Self::Ready | Self::Stopped | Self::Cancelled)
    }
}

names! {
    /// Why a run was stopped.
    Because, UnknownBecause: "not a reason why a run is stopped: failures or silence";
    /// Too many failed.
    Failures = "failures",
    /// It is not known what became of all that it published, and nothing was heard for hours.
    Silence = "silence",
}

names! {
    /// What the dry run says of a letter.
    Forecast, UnknownForecast: "not a forecast";
    /// The EHR does not have its patient: patient, coverage and appointment would be made.
    WouldCreate = "would_create",
    /// The EHR has its patient, who would be updated; coverage and appointment would be made if they are not there.
    WouldUpdate = "would_update",
    /// It is in the EHR: the patient would be told.
    WouldNotify = "would_notify",
    /// A person would have to decide.
    WouldHold = "would_hold",
    /// The sender would have to change something.
    WouldReject = "would_reject",
    /// Its submission, or the same request in another one, has come to an end: it is not replayed.
    AlreadyDone = "already_done",
    /// It would die again: it is not replayed.
    StillFails = "still_fails",
    /// It may not be replayed now.
    Refused = "refused",
}

impl Forecast {
    /// Whether a run takes such a letter.
    pub const fn goes(self) -> bool {
        !matches!(self, Self::AlreadyDone | Self::StillFails | Self::Refused)
    }
}

names! {
    /// Why a letter is not replayed.
    Why, UnknownWhy: "not a reason against a replay";
    /// The ledger says UNKNOWN of one of its effects, or something of the kind: it may or may not be in the EHR, or with the patient.
    InDoubt = "in_doubt",
    /// Its submission waits for a person's decision.
    Held = "held",
    /// Another message brought the same submission, or another submission the same request, and its fate is decided there.
    Elsewhere = "elsewhere",
    /// It is not open any more: replayed, archived or discarded.
    NotOpen = "not_open",
    /// Its submission has come to an end since the plan was made.
    Ended = "ended",
    /// The broker has no such queue: the lane was removed.
    NoQueue = "no_queue",
    /// Its edit waits for a second person.
    EditWaits = "edit_waits",
    /// It was edited, or its edit was taken back, since the plan was made.
    EditChanged = "edit_changed",
    /// What its edit would change has been done meanwhile, or may have been.
    EditTooLate = "edit_too_late",
    /// Its edit cannot be opened: the key is gone.
    EditUnreadable = "edit_unreadable",
    /// The visit that it asks for is over.
    VisitPast = "visit_past",
}

names! {
    /// What became of a letter in a plan.
    ItemState, UnknownItemState: "not a state of a plan's letter";
    /// Its turn has not come.
    Waiting = "waiting",
    /// It is in its queue again.
    Published = "published",
    /// It is not replayed by this plan.
    Skipped = "skipped",
}

names! {
    /// What came of a message that was published again.
    ItemOutcome, UnknownItemOutcome: "not an outcome of a replay";
    /// It came to the end that was foreseen.
    Completed = "completed",
    /// A person decides.
    Held = "held",
    /// It died again, or was rejected and that was not foreseen; or nothing was heard of it, and somebody took it up again.
    Failed = "failed",
}

/// What the dry run says of a letter, and why. No PHI: codes, and field paths of our own model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreseen {
    /// What.
    pub forecast: Forecast,
    /// Under which code.
    pub code: Option<Code>,
    /// Where in the intake.
    pub field: Option<FieldPath>,
    /// What stands against it.
    pub why: Option<Why>,
}

impl Foreseen {
    /// Without a reason.
    pub const fn plain(forecast: Forecast) -> Self {
        Self { forecast, code: None, field: None, why: None }
    }

    /// With a code and its place.
    pub const fn coded(forecast: Forecast, code: Code, field: Option<FieldPath>) -> Self {
        Self { forecast, code: Some(code), field, why: None }
    }

    /// Something stands against it.
    pub const fn refused(why: Why) -> Self {
        Self { forecast: Forecast::Refused, code: None, field: None, why: Some(why) }
    }
}
