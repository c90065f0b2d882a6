//! Outcomes: decisions about the business, returned by handlers, carried out by the runtime.

use std::time::Duration;

use crate::{Code, FieldPath, SubmissionId};

/// What a stage decided about one message.
#[derive(Debug)]
pub enum Outcome<O> {
    /// Hand this on to the next stage.
    Emit(O),
    /// The submission has come to its end.
    Done(Settled),
    /// A person decides; the message is kept.
    Hold(Hold),
    /// Not yet: come back after this long. Burns no attempt.
    Snooze(Duration),
}

/// How a submission ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// The patient and what was asked for are in the EHR, and notification is settled.
    Completed,
    /// The same request was made before, by this submission.
    Duplicate {
        /// The earlier one.
        of: SubmissionId,
    },
    /// The sender must change something.
    Rejected {
        /// Why.
        code: Code,
        /// Where in the canonical intake.
        field: Option<FieldPath>,
    },
    /// The very same submission came again: nothing changes.
    Repeat,
}

/// Why a person must decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// The reason.
    pub code: Code,
    /// The field in question, if it is one.
    pub field: Option<FieldPath>,
}

impl Hold {
    /// A hold that is not about one field.
    pub const fn because(code: Code) -> Self {
        Self { code, field: None }
    }
}
