//! Submissions by anything that names them, over the ops API.

use domain::Phi;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Admission, Ops, answer::found};

/// What was found.
#[derive(Debug, Clone, Deserialize)]
pub struct Traced {
    /// The submissions, in the order of admission.
    pub matches: Vec<Match>,
    /// Whether there are more.
    pub more: bool,
    /// The life of the submission, if it is one.
    pub admission: Option<Admission>,
}

/// One submission.
#[derive(Debug, Clone, Deserialize)]
pub struct Match {
    /// Its row.
    pub admission_id: String,
    /// The sender's identifier.
    pub submission_id: String,
    /// The clinic.
    pub clinic_id: String,
    /// What it was found by.
    pub by: String,
    /// Whether it is a refused copy.
    pub copy: bool,
    /// Where it stands.
    pub state: String,
    /// Why.
    pub code: Option<String>,
    /// When it was first seen.
    pub received_at: Timestamp,
}

/// How a person is reached.
#[derive(Debug, Clone)]
pub enum Reached {
    /// By phone.
    Phone(Phi<String>),
    /// By e-mail.
    Email(Phi<String>),
}

impl Ops {
    /// The submissions that an id names, as the API writes them; `None` if there are none.
    ///
    /// # Errors
    /// If the API refuses it or does not answer.
    pub async fn trace(&self, id: &str, clinic: Option<&str>) -> anyhow::Result<Option<Value>> {
        let query: Vec<_> = clinic.map(|clinic| ("clinic", clinic)).into_iter().collect();
        found(self.get(&format!("traces/{id}")).query(&query)).await
    }

    /// The submissions of whoever is reached so, as the API writes them; `None` if there are none. That is on record. The value is in the
    /// body: addresses are logged.
    ///
    /// # Errors
    /// If the API refuses it or does not answer.
    pub async fn look_up(
        &self,
        whom: &Reached,
        clinic: Option<&str>,
        purpose: &str,
    ) -> anyhow::Result<Option<Value>> {
        let (kind, value) = match whom {
            Reached::Phone(value) => ("phone", value),
            Reached::Email(value) => ("email", value),
        };
        let mut wanted = json!({ "purpose": purpose });
        wanted[kind] = json!(value.expose());
        if let Some(clinic) = clinic {
            wanted["clinic"] = json!(clinic);
        }
        found(self.post(&["look-ups"])?.json(&wanted)).await
    }
}
