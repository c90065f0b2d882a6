//! Reconciliations, as the ops API does them.

use std::time::Duration;

use domain::reconcile::{Compared, Difference};
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Ops, answer::told};

/// A busy day at many clinics, and a slow EHR.
const PATIENCE: Duration = Duration::from_secs(3600);

/// A run with its differences.
#[derive(Debug, Clone, Deserialize)]
pub struct Run {
    /// Its name.
    pub id: String,
    /// The day that was compared.
    pub date: Date,
    /// The counts that were compared.
    pub compared: Vec<Compared>,
    /// What could not be compared, and why.
    pub gaps: Vec<String>,
    /// What is different.
    pub differences: Vec<Found>,
}

/// One difference, and what to do about it.
#[derive(Debug, Clone, Deserialize)]
pub struct Found {
    /// The difference.
    #[serde(flatten)]
    pub difference: Difference,
    /// What a person is to do.
    pub advice: String,
}

/// What was published again.
#[derive(Debug, Clone, Deserialize)]
pub struct Redriven {
    /// Published again.
    pub redriven: Vec<String>,
    /// Left as they are.
    pub left: Vec<Left>,
}

/// A submission that was left as it is.
#[derive(Debug, Clone, Deserialize)]
pub struct Left {
    /// Its admission.
    pub admission_id: String,
    /// Why.
    pub why: String,
}

/// What a sender says that it sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SentCount {
    /// For which clinic.
    pub clinic: String,
    /// From where.
    pub source: String,
    /// How many.
    pub count: u64,
}

impl Ops {
    /// Compares a day, as the API writes it.
    ///
    /// # Errors
    /// If the API refuses it or does not answer.
    pub async fn compare(
        &self,
        date: Date,
        clinic: Option<&str>,
        sent: &[SentCount],
    ) -> anyhow::Result<Value> {
        let mut wish = json!({ "date": date, "sent": sent });
        if let Some(clinic) = clinic {
            wish["clinic"] = json!(clinic);
        }
        told(self.post(&["reconciliations"])?.timeout(PATIENCE).json(&wish)).await
    }

    /// Publishes again what a comparison found overdue, as far as that is safe; as the API writes it.
    ///
    /// # Errors
    /// If the API refuses it or does not answer.
    pub async fn redrive(&self, id: &str, reason: &str) -> anyhow::Result<Value> {
        let request = self.post(&["reconciliations", id, "redrive"])?.timeout(PATIENCE);
        told(request.json(&json!({ "reason": reason }))).await
    }
}

/// A source that normally sends and has stopped.
#[derive(Debug, Clone, Deserialize)]
pub struct Silent {
    /// The clinic.
    pub clinic_id: String,
    /// The source.
    pub source: String,
    /// When its last submission came.
    pub since: Timestamp,
    /// What usually comes in an hour in which it sends.
    pub per_hour: f64,
}
