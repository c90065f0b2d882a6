//! One hold: what is asked, and what helps to answer it.

use domain::{
    AdmissionId, PersonId,
    hold::{Candidate, Offer, Word, question},
    messages::Channel,
};
use ledger::{
    holds::{Decided, DecisionRow, Doubt, Held, HoldRow},
    read::{Status, Timeline},
};
use serde::Serialize;

use super::Admission;

/// What is held, what is asked, and how it may be answered. Ids are opaque, and of fields only the names are told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hold {
    /// What is held.
    #[serde(flatten)]
    pub row: HoldRow,
    /// Whose it is, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person_id: Option<PersonId>,
    /// The question.
    pub question: &'static str,
    /// The decisions that answer it.
    pub answers: &'static [Word],
    /// The same in words, with what each names.
    pub rule: &'static str,
    /// Who the person may be.
    pub candidates: Vec<Candidate>,
    /// The slots that were free when it was held.
    pub slots: Vec<Offer>,
    /// What is in doubt in the EHR.
    pub doubts: Vec<Doubt>,
    /// The channels over which the patient may or may not have been told.
    pub channels: Vec<Channel>,
    /// What was decided about it before, oldest first.
    pub decisions: Vec<DecisionRow>,
    /// The life of its submission.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admission: Option<Admission>,
}

impl Hold {
    /// From the rows.
    pub fn new(held: Held, life: Option<(Status, Timeline)>) -> Self {
        let Held { row, person, candidates, slots, doubts, channels, decisions } = held;
        let asked = question(row.code);
        Self {
            row,
            person_id: person,
            question: asked.text,
            answers: asked.answers,
            rule: asked.rule,
            candidates,
            slots,
            doubts,
            channels,
            decisions,
            admission: life.map(|(status, timeline)| Admission::new(status, timeline)),
        }
    }
}

/// A decision that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ruling {
    /// About what.
    pub admission_id: AdmissionId,
    /// What.
    pub decision: Word,
    /// Where the submission stands now: `in_flight`, `completed` or `rejected`.
    pub state: &'static str,
    /// On which effect in the EHR, where it is on one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effect: Option<&'static str>,
}

impl Ruling {
    /// From what the ledger says.
    pub fn new(word: Word, decided: &Decided) -> Self {
        Self {
            admission_id: decided.row.admission_id,
            decision: word,
            state: decided.state.as_str(),
            effect: decided.effect.map(|kind| kind.as_str()),
        }
    }
}
