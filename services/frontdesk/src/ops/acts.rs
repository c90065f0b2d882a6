//! The acts of people, over the ops API.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::{Ops, answer::List, letters::Query};

/// Acts of one request.
const PAGE: usize = 1000;

/// One act.
#[derive(Debug, Clone, Deserialize)]
pub struct Act {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// The role that let it in.
    pub role: String,
    /// What.
    pub what: String,
    /// To what.
    pub scope: String,
    /// Why.
    pub reason: String,
    /// What came of it.
    pub outcome: String,
}

impl Ops {
    /// The acts, newest first, so many at most, as the API writes them.
    ///
    /// # Errors
    /// If the API refuses it or does not answer.
    pub async fn acts(&self, query: &Query, most: usize) -> anyhow::Result<Vec<Value>> {
        List { path: "acts", rows: "acts", from: "before", page: PAGE }.read(self, query, most).await
    }
}
