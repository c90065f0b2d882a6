//! The line at a glance: states, queues, pauses.

use domain::ports::SwitchScope;
use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::{Breaker, Place, SilentSource, StateCount};

/// The line at a glance.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Glance {
    /// When it was looked at.
    pub at: Timestamp,
    /// What passed is counted over so many seconds before that.
    pub window_s: i64,
    /// Submissions by state, refused copies included; every state is there.
    pub states: Vec<StateCount>,
    /// Every stage in every lane, in the order of the line.
    pub lanes: Vec<Place>,
    /// What the broker says of its queues; `null` if its management API is not configured or does not answer.
    pub queues: Option<Vec<Queue>>,
    /// What is paused.
    pub paused: Vec<Pause>,
    /// The circuit breakers that are not closed, one for each process that has one.
    pub breakers: Vec<Breaker>,
    /// Sources that normally send and have stopped, as of the last minute.
    pub silent: Vec<SilentSource>,
}

/// One queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Queue {
    /// `<stage>.<lane>`, `<stage>.<lane>.dlq` or `wait.<delay>`.
    pub queue: String,
    /// Messages that wait.
    pub ready: u64,
    /// Messages in a consumer's hand.
    pub unacknowledged: u64,
}

/// A scope that is paused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pause {
    /// What, as `<kind>:<name>`.
    #[serde(serialize_with = "as_text")]
    pub scope: SwitchScope,
    /// Who said so.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
    /// Until when; absent: until it is resumed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

impl From<ledger::switches::Pause> for Pause {
    fn from(pause: ledger::switches::Pause) -> Self {
        Self {
            scope: pause.scope,
            actor: pause.actor,
            reason: pause.reason,
            since: pause.since,
            until: pause.until,
        }
    }
}

fn as_text<S: Serializer>(scope: &SwitchScope, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(scope)
}
