//! Pausing and resuming over the ops API.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::{
    Ops,
    answer::{found, told},
};

/// A scope that is paused.
#[derive(Debug, Clone, Deserialize)]
pub struct Pause {
    /// What, as `<kind>:<name>`.
    pub scope: String,
    /// Who said so.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// Until when; absent: until it is resumed.
    pub until: Option<Timestamp>,
}

/// What a pause makes wait; `None` where it cannot be known.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Backlog {
    /// Messages that are on their way now.
    pub waiting: Option<u64>,
    /// Messages a minute that come in.
    pub per_minute: Option<f64>,
    /// How many will wait at its end.
    pub projected: Option<u64>,
}

/// A scope that was just paused.
#[derive(Debug, Clone, Deserialize)]
pub struct Paused {
    /// The pause.
    #[serde(flatten)]
    pub pause: Pause,
    /// What it makes wait.
    pub backlog: Backlog,
}

/// What there is to be paused: names by kind; `None`: any name is taken.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub struct Scopes(pub BTreeMap<String, Option<Vec<String>>>);

impl Scopes {
    /// The names of a kind, if a scope's name is not among them.
    pub fn refuse(&self, scope: &str) -> Option<&[String]> {
        let (kind, name) = scope.split_once(':').unwrap_or((scope, ""));
        let names = self.0.get(kind)?.as_deref()?;
        (!names.iter().any(|one| one == name)).then_some(names)
    }
}

impl Ops {
    /// What there is to be paused.
    ///
    /// # Errors
    /// If the API does not answer.
    pub async fn scopes(&self) -> anyhow::Result<Scopes> {
        self.json("scopes").await
    }

    /// Pauses a scope.
    ///
    /// # Errors
    /// If the API refuses it or does not answer.
    pub async fn pause(&self, scope: &str, reason: &str, until: Option<Timestamp>) -> anyhow::Result<Paused> {
        let mut wish = json!({ "scope": scope, "reason": reason });
        if let Some(until) = until {
            wish["until"] = json!(until);
        }
        told(self.post(&["switches"])?.json(&wish)).await
    }

    /// Ends a pause, and gives it; `None` if there was none.
    ///
    /// # Errors
    /// If the API refuses it or does not answer.
    pub async fn resume(&self, scope: &str, reason: &str) -> anyhow::Result<Option<Pause>> {
        found(self.post(&["switches", scope, "resume"])?.json(&json!({ "reason": reason }))).await
    }

    /// The line at a glance, as the API writes it.
    ///
    /// # Errors
    /// If the API does not answer.
    pub async fn status_value(&self) -> anyhow::Result<serde_json::Value> {
        told(self.get("status")).await
    }
}
