//! Dead letters, as the ops API shows them.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::{
    Admission, Ops,
    answer::{List, found, told},
};

/// Letters of one request.
const PAGE: usize = 500;

/// The dead letters of one cause.
#[derive(Debug, Clone, Deserialize)]
pub struct Group {
    /// Stage, code, endpoint or field, and template.
    pub fingerprint: String,
    /// How many.
    pub count: u64,
    /// How many died in the last hour.
    pub last_hour: u64,
    /// How many died in the hour before.
    pub hour_before: u64,
    /// When the first died.
    pub first_seen: Timestamp,
    /// When the last died.
    pub last_seen: Timestamp,
    /// The soonest visit that one of them asks for.
    pub soonest_appointment: Option<Timestamp>,
    /// The clinics that are known to have one.
    pub clinics: Vec<String>,
}

/// One dead letter, without its body.
#[derive(Debug, Clone, Deserialize)]
pub struct Letter {
    /// This arrival of it.
    pub id: String,
    /// The hand-off that died.
    pub message_id: Option<String>,
    /// The stage that gave up.
    pub stage: String,
    /// In which lane.
    pub lane: String,
    /// Stage, code, endpoint or field, and template.
    pub fingerprint: String,
    /// The sender's identifier.
    pub submission_id: Option<String>,
    /// The clinic.
    pub clinic_id: Option<String>,
    /// The correlation id.
    pub correlation_id: String,
    /// W3C trace id.
    pub trace_id: Option<String>,
    /// Which attempt was the last, from 1.
    pub attempts: u32,
    /// When the first attempt failed.
    pub first_failed_at: Option<Timestamp>,
    /// When it died.
    pub died_at: Timestamp,
    /// When it was collected.
    pub collected_at: Timestamp,
    /// The requested appointment's start.
    pub appointment_at: Option<Timestamp>,
    /// The schema of the body.
    pub schema: String,
    /// Where it stands.
    pub state: String,
    /// Since when, where somebody decided it.
    pub state_at: Option<Timestamp>,
    /// The plan by which it was replayed.
    pub plan_id: Option<String>,
    /// What people corrected in it, oldest first.
    #[serde(default)]
    pub edits: Vec<Edit>,
    /// The life of its submission; only where one letter is asked for, and only if it was admitted.
    pub admission: Option<Admission>,
    /// The record of the processes that died of it.
    pub crash: Option<Crash>,
}

/// What people corrected in a dead letter, without the values.
#[derive(Debug, Clone, Deserialize)]
pub struct Edit {
    /// The edit.
    pub id: String,
    /// Of which letter.
    pub letter_id: String,
    /// Which fields.
    pub fields: Vec<String>,
    /// `waiting`, `in_force`, `withdrawn` or `superseded`.
    pub state: String,
    /// Since when.
    pub state_at: Timestamp,
    /// Who made it.
    pub requester: String,
    /// Why.
    pub reason: String,
    /// Who approved it, where that was needed.
    pub approver: Option<String>,
}

/// The record of the processes that died of a message.
#[derive(Debug, Clone, Deserialize)]
pub struct Crash {
    /// How many died with nothing else in hand.
    pub deaths: u32,
    /// When the last of them said that it lived.
    pub last_seen_at: Timestamp,
}

/// Names and values of a query, as the API takes them.
pub type Query = Vec<(&'static str, String)>;

impl Ops {
    /// Dead letters by cause, as the API writes them.
    ///
    /// # Errors
    /// If the API does not answer.
    pub async fn letter_groups(&self, query: &Query) -> anyhow::Result<Vec<Value>> {
        told(self.get("dead-letters/groups").query(query)).await
    }

    /// Dead letters by time to the visit, so many at most, as the API writes them.
    ///
    /// # Errors
    /// If the API does not answer.
    pub async fn letters(&self, query: &Query, most: usize) -> anyhow::Result<Vec<Value>> {
        List { path: "dead-letters", rows: "letters", from: "after", page: PAGE }
            .read(self, query, most)
            .await
    }

    /// One dead letter with the life of its submission, as the API writes it; `None` if there is none.
    ///
    /// # Errors
    /// If the API does not answer.
    pub async fn letter(&self, id: &str) -> anyhow::Result<Option<Value>> {
        found(self.get(&format!("dead-letters/{id}"))).await
    }
}
