//! Counts to be held together.

use domain::Code;
use ledger::read::{Counts, Percentiles};
use serde::Serialize;

/// Counts to be held against the source's and the EHR's own.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reconciliation {
    /// Submissions admitted, without refused copies.
    pub submissions: u64,
    /// Refused copies.
    pub copies: u64,
    /// Persons known.
    pub persons: u64,
    /// By state and code, copies included.
    pub states: Vec<StateCount>,
    /// What the journal knows.
    pub journal: JournalCounts,
    /// Effects in the EHR.
    pub effects: Vec<EffectCount>,
    /// Messages to patients.
    pub notifications: Vec<NotificationCount>,
    /// How long completed submissions took.
    pub took: Took,
}

/// How many submissions stand there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StateCount {
    /// The state.
    pub state: &'static str,
    /// The code, where the state has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
    /// How many.
    pub count: u64,
}

/// What the journal knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JournalCounts {
    /// Different submissions, copies included.
    pub submissions: u64,
    /// Messages that could not be admitted at all.
    pub undecodable: u64,
}

/// How many effects stand there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EffectCount {
    /// What they are on.
    pub kind: &'static str,
    /// `create` or `update`.
    pub role: String,
    /// The state, such as `done`.
    pub state: String,
    /// How many.
    pub count: u64,
    /// How many different resources of the EHR.
    pub resources: u64,
}

/// How many messages to patients stand there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotificationCount {
    /// The channel.
    pub channel: String,
    /// The state, such as `sent`.
    pub state: String,
    /// How many.
    pub count: u64,
}

/// From first seen to settled, milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Took {
    /// How many completed.
    pub count: u64,
    /// Half took at most this.
    pub p50_ms: f64,
    /// 99 of 100 took at most this.
    pub p99_ms: f64,
    /// The longest.
    pub max_ms: f64,
}

impl Reconciliation {
    /// From the ledger's counts.
    pub fn new(counts: Counts, took: Percentiles) -> Self {
        let states = counts.states.into_iter();
        let effects = counts.effects.into_iter();
        let sent = counts.notifications.into_iter();
        Self {
            submissions: counts.submissions,
            copies: counts.copies,
            persons: counts.persons,
            states: states
                .map(|one| StateCount { state: one.state.as_str(), code: one.code, count: one.count })
                .collect(),
            journal: JournalCounts {
                submissions: counts.journal_submissions,
                undecodable: counts.journal_undecodable,
            },
            effects: effects
                .map(|one| EffectCount {
                    kind: one.kind.as_str(),
                    role: one.role,
                    state: one.state,
                    count: one.count,
                    resources: one.resources,
                })
                .collect(),
            notifications: sent
                .map(|(channel, state, count)| NotificationCount { channel, state, count })
                .collect(),
            took: Took { count: took.count, p50_ms: took.p50_ms, p99_ms: took.p99_ms, max_ms: took.max_ms },
        }
    }
}
