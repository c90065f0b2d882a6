//! What people did.

use jiff::Timestamp;
use serde::Serialize;

/// A page of acts, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Acts {
    /// The acts.
    pub acts: Vec<Act>,
    /// What to give as `before` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<i64>,
}

/// One act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Act {
    /// When.
    pub at: Timestamp,
    /// Who: the token's name.
    pub actor: String,
    /// The role that let it in.
    pub role: String,
    /// What.
    pub what: &'static str,
    /// To what.
    pub scope: String,
    /// Why.
    pub reason: String,
    /// What came of it.
    pub outcome: &'static str,
    /// Until when it holds, where it ends by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

impl From<ledger::acts::Act> for Act {
    fn from(act: ledger::acts::Act) -> Self {
        Self {
            at: act.at,
            actor: act.actor.name,
            role: act.actor.role,
            what: act.what.as_str(),
            scope: act.scope,
            reason: act.reason,
            outcome: act.outcome.as_str(),
            until: act.until,
        }
    }
}
