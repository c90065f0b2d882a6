//! What is held, over the ops API.

use domain::hold::Verdict;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Admission, Ops,
    answer::{List, found},
    letters::Query,
};

/// Holds of one request.
const PAGE: usize = 500;

/// What is held.
#[derive(Debug, Clone, Deserialize)]
pub struct Row {
    /// The admission: by this it is decided.
    pub admission_id: String,
    /// The sender's identifier.
    pub submission_id: String,
    /// The clinic.
    pub clinic_id: String,
    /// The stage that holds it.
    pub stage: String,
    /// In which lane.
    pub lane: String,
    /// Why.
    pub code: String,
    /// The field in question.
    pub field: Option<String>,
    /// Since when.
    pub since: Timestamp,
    /// The start of the visit that is asked for.
    pub appointment_at: Option<Timestamp>,
}

/// Somebody whom the person may be.
#[derive(Debug, Clone, Deserialize)]
pub struct Candidate {
    /// An opaque id.
    pub id: String,
    /// The fields that agree.
    pub agrees: Vec<String>,
    /// The fields that do not, each with how it differs.
    pub differs: Vec<String>,
}

/// A slot that was free.
#[derive(Debug, Clone, Deserialize)]
pub struct Slot {
    /// The EHR's id.
    pub id: String,
    /// Its start.
    pub start: Timestamp,
    /// Its length.
    pub minutes: u16,
}

/// An effect in the EHR that is in doubt.
#[derive(Debug, Clone, Deserialize)]
pub struct Doubt {
    /// Whose it is.
    pub admission_id: String,
    /// What it is on.
    pub kind: String,
    /// `create` or `update`.
    pub role: String,
    /// Where it stands.
    pub state: String,
    /// For an update: what was to be changed.
    pub resource: Option<String>,
}

/// A decision that was made before.
#[derive(Debug, Clone, Deserialize)]
pub struct Before {
    /// When.
    pub at: Timestamp,
    /// Why it was held.
    pub code: String,
    /// What was decided.
    pub decision: String,
    /// What it names.
    pub names: Option<String>,
    /// Who.
    pub actor: String,
    /// Why.
    pub reason: String,
}

/// One hold with what helps to decide it.
#[derive(Debug, Clone, Deserialize)]
pub struct Hold {
    /// What is held.
    #[serde(flatten)]
    pub row: Row,
    /// Whose it is, where that is known.
    pub person_id: Option<String>,
    /// The question.
    pub question: String,
    /// How it may be answered.
    pub rule: String,
    /// Who the person may be.
    pub candidates: Vec<Candidate>,
    /// The slots that were free when it was held.
    pub slots: Vec<Slot>,
    /// What is in doubt in the EHR.
    pub doubts: Vec<Doubt>,
    /// The channels over which the patient may or may not have been told.
    pub channels: Vec<String>,
    /// What was decided before, oldest first.
    pub decisions: Vec<Before>,
    /// The life of its submission.
    pub admission: Option<Admission>,
}

/// A decision that was made just now.
#[derive(Debug, Clone, Deserialize)]
pub struct Ruling {
    /// Where the submission stands now.
    pub state: String,
    /// On which effect in the EHR, where it is on one.
    pub effect: Option<String>,
}

impl Ops {
    /// What is held by time to the visit, so many at most, as the API writes it.
    ///
    /// # Errors
    /// If the API does not answer.
    pub async fn holds(&self, query: &Query, most: usize) -> anyhow::Result<Vec<Value>> {
        List { path: "holds", rows: "holds", from: "after", page: PAGE }.read(self, query, most).await
    }

    /// One hold with what helps to decide it, as the API writes it; `None` if nothing of that admission is held.
    ///
    /// # Errors
    /// If the API does not answer.
    pub async fn hold(&self, admission: &str) -> anyhow::Result<Option<Value>> {
        found(self.get(&format!("holds/{admission}"))).await
    }

    /// Decides about a hold, and gives what the API writes; `None` if nothing of that admission is held.
    ///
    /// # Errors
    /// If the API refuses it, with what is allowed, or does not answer.
    pub async fn decide(
        &self,
        admission: &str,
        verdict: &Verdict,
        reason: &str,
    ) -> anyhow::Result<Option<Value>> {
        let mut said = json!({ "decision": verdict.word, "reason": reason });
        if let Some(names) = &verdict.names {
            said["names"] = json!(names);
        }
        found(self.post(&["holds", admission, "decide"])?.json(&said)).await
    }
}
