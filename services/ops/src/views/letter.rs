//! One dead letter: what it is, and the life of its submission.

use ledger::{
    letters::{EditRow, LetterRow},
    read::{Status, Timeline},
    watch::Crash,
};
use serde::Serialize;

use super::Admission;

/// A dead letter without its body, with the life of its submission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Letter {
    /// The letter.
    #[serde(flatten)]
    pub letter: LetterRow,
    /// What people corrected in it, oldest first: fields, never values. Absent if nobody did.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub edits: Vec<EditRow>,
    /// Where its submission stands, how it got there, and what the ledger knows of its effects in the EHR; absent if it was never
    /// admitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admission: Option<Admission>,
    /// The record of the processes that died of it; absent if it died of something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crash: Option<Crash>,
}

impl Letter {
    /// From the rows.
    pub fn new(
        letter: LetterRow,
        edits: Vec<EditRow>,
        life: Option<(Status, Timeline)>,
        crash: Option<Crash>,
    ) -> Self {
        let admission = life.map(|(status, timeline)| Admission::new(status, timeline));
        Self { letter, edits, admission, crash }
    }
}
