//! The acts of people, over the ops API.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::{Ops, letters::Query, problem, unreachable};

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
        let mut all = Vec::new();
        let mut before: Option<i64> = None;
        while all.len() < most {
            let mut query = query.clone();
            query.push(("limit", (most - all.len()).min(PAGE).to_string()));
            query.extend(before.map(|seq| ("before", seq.to_string())));
            let answer = self.get("acts").query(&query).send().await.map_err(unreachable)?;
            let mut page: Value = problem(answer).await?.json().await?;
            let Value::Array(acts) = page["acts"].take() else { break };
            all.extend(acts);
            before = page["next"].as_i64();
            if before.is_none() {
                break;
            }
        }
        Ok(all)
    }
}
