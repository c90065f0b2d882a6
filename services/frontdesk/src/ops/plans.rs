//! Plans, replays and the ends of dead letters over the ops API.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Ops,
    answer::{List, told},
    letters::Query,
};

/// A dry run of as many letters as a plan takes.
const PATIENCE: Duration = Duration::from_secs(3600);
/// Letters of one request.
const PAGE: usize = 500;
/// How many letters of a plan are where.
#[derive(Debug, Clone, Deserialize)]
pub struct Tally {
    /// All.
    pub letters: u64,
    /// By what the dry run said.
    pub forecast: BTreeMap<String, u64>,
    /// Their turn has not come.
    pub waiting: u64,
    /// They are not replayed by this plan.
    pub skipped: u64,
    /// They were published again.
    pub published: u64,
    /// Of those, the ones that came to the end that was foreseen.
    pub completed: u64,
    /// Of those, the ones that a person decides about.
    pub held: u64,
    /// Of those, the ones that died again, or were rejected.
    pub failed: u64,
}

/// A plan.
#[derive(Debug, Clone, Deserialize)]
pub struct Plan {
    /// The plan.
    pub id: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// Who made it.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// `ready`, `running`, `done`, `stopped` or `cancelled`.
    pub state: String,
    /// The percent of failures that ends its run.
    pub stop_on: Option<u32>,
    /// Why it was stopped: `failures` or `silence`.
    pub stopped_because: Option<String>,
    /// How many letters are where.
    pub tally: Tally,
    /// More letters are of the kind than it took; only where it was just made.
    #[serde(default)]
    pub more: bool,
}

/// One letter of a plan.
#[derive(Debug, Clone, Deserialize)]
pub struct Item {
    /// Its turn, from 1.
    pub nth: u32,
    /// The letter.
    pub letter_id: String,
    /// Its clinic, as far as it is known.
    pub clinic_id: Option<String>,
    /// The sender's identifier, as far as it is known.
    pub submission_id: Option<String>,
    /// The requested appointment's start.
    pub appointment_at: Option<Timestamp>,
    /// The edit that it was dry-run with.
    pub edit_id: Option<String>,
    /// What the dry run said.
    pub forecast: String,
    /// Under which code.
    pub code: Option<String>,
    /// Where in the intake.
    pub field: Option<String>,
    /// Why it is not replayed.
    pub why: Option<String>,
    /// `waiting`, `published` or `skipped`.
    pub state: String,
    /// What came of it.
    pub outcome: Option<String>,
    /// Under which code.
    pub outcome_code: Option<String>,
}

/// A letter to which something could not be done.
#[derive(Debug, Clone, Deserialize)]
pub struct Left {
    /// Which.
    pub id: String,
    /// Where it stands; `None`: there is none of this id.
    pub state: Option<String>,
}

/// What was done to some letters.
#[derive(Debug, Clone, Deserialize)]
pub struct Changed {
    /// Those that it was done to.
    pub done: Vec<String>,
    /// Those that it could not be done to.
    pub left: Vec<Left>,
}

/// The rules of a run.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Letters that go first.
    pub canary: u32,
    /// Letters a second.
    pub rate: u32,
    /// Percent of failures that ends it.
    pub stop_on: u32,
}

impl Ops {
    /// Freezes a selection into a plan, and gives it as the API writes it.
    ///
    /// # Errors
    /// [`NothingMatched`](crate::exit::NothingMatched), or if the API refuses it or does not answer.
    pub async fn make_plan(&self, wish: &Value) -> anyhow::Result<Value> {
        told(self.post(&["plans"])?.timeout(PATIENCE).json(wish)).await
    }

    /// The last plans, newest first, as the API writes them.
    ///
    /// # Errors
    /// If the API does not answer.
    pub async fn plans(&self) -> anyhow::Result<Vec<Value>> {
        told(self.get("plans")).await
    }

    /// One plan, as the API writes it.
    ///
    /// # Errors
    /// [`NothingMatched`](crate::exit::NothingMatched), or if the API does not answer.
    pub async fn plan(&self, id: &str) -> anyhow::Result<Value> {
        told(self.get(&format!("plans/{id}"))).await
    }

    /// A plan's letters in the order of their turns, as the API writes them.
    ///
    /// # Errors
    /// If the API does not answer.
    pub async fn plan_items(&self, id: &str) -> anyhow::Result<Vec<Value>> {
        let path = format!("plans/{id}/items");
        List { path: &path, rows: "items", from: "after", page: PAGE }
            .read(self, &Query::new(), usize::MAX)
            .await
    }

    /// Begins a plan's run.
    ///
    /// # Errors
    /// [`NothingMatched`](crate::exit::NothingMatched) if nothing of it waits, or if the API refuses it or does not answer.
    pub async fn replay(&self, id: &str, rules: Rules, reason: &str) -> anyhow::Result<Value> {
        let Rules { canary, rate, stop_on } = rules;
        let body = json!({ "canary": canary, "rate": rate, "stop_on": stop_on, "reason": reason });
        told(self.post(&["plans", id, "replay"])?.json(&body)).await
    }

    /// Ends a plan's run.
    ///
    /// # Errors
    /// If the API refuses it or does not answer.
    pub async fn cancel_replay(&self, id: &str, reason: &str) -> anyhow::Result<Value> {
        told(self.post(&["plans", id, "cancel"])?.json(&json!({ "reason": reason }))).await
    }

    /// Puts letters aside (`archive`) or takes them up again (`restore`).
    ///
    /// # Errors
    /// If the API refuses it or does not answer.
    pub async fn move_letters(&self, to: &str, letters: &[String], reason: &str) -> anyhow::Result<Value> {
        let body = json!({ "letters": letters, "reason": reason });
        told(self.post(&["dead-letters", to])?.json(&body)).await
    }

    /// Asks that letters be discarded.
    ///
    /// # Errors
    /// [`NothingMatched`](crate::exit::NothingMatched), or if the API refuses it or does not answer.
    pub async fn request_discard(&self, letters: &[String], reason: &str) -> anyhow::Result<Value> {
        told(self.post(&["discards"])?.json(&json!({ "letters": letters, "reason": reason }))).await
    }

    /// What waits for a second person.
    ///
    /// # Errors
    /// If the API does not answer.
    pub async fn discards(&self) -> anyhow::Result<Vec<Value>> {
        told(self.get("discards")).await
    }

    /// Discards, as the second person.
    ///
    /// # Errors
    /// [`NothingMatched`](crate::exit::NothingMatched), or if the API refuses it or does not answer.
    pub async fn approve_discard(&self, request: &str, reason: &str) -> anyhow::Result<Value> {
        told(self.post(&["discards", request, "approve"])?.json(&json!({ "reason": reason }))).await
    }
}
