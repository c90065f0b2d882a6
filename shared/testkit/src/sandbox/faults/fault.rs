//! The ways to fail.

use serde::{Deserialize, Serialize};

/// Whether the fault strikes before or after the effect is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Commit {
    /// Nothing was done.
    #[default]
    Before,
    /// It was done, and the client does not learn it.
    After,
}

/// What the client sees now while the effect comes later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LateAnswer {
    /// A 5xx (SMTP: 451).
    #[default]
    Error,
    /// Nothing, until the client gives up.
    Hang,
    /// A reset connection.
    Cut,
}

/// One kind of fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// Wait first. Adds to whatever else strikes.
    Slow {
        /// At least so many milliseconds.
        ms: u64,
        /// And up to so many more, evenly spread.
        #[serde(default)]
        jitter_ms: u64,
    },
    /// 429 without effect (SMTP: 450).
    Throttle {
        /// `Retry-After` in seconds; without it there is no such header.
        #[serde(default)]
        retry_after_s: Option<u64>,
    },
    /// An error status.
    Error {
        /// 400 to 599; without it 503 (SMTP: 451).
        #[serde(default)]
        status: Option<u16>,
        /// Before or after the effect.
        #[serde(default)]
        commit: Commit,
    },
    /// The connection is reset without an answer.
    Cut {
        /// Before or after the effect.
        #[serde(default)]
        commit: Commit,
    },
    /// No answer; when the time is over, a reset.
    Hang {
        /// Before or after the effect.
        #[serde(default)]
        commit: Commit,
        /// How long.
        #[serde(default = "ten_minutes")]
        ms: u64,
    },
    /// The client sees a failure now, and the effect comes later.
    LateCommit {
        /// How much later.
        after_ms: u64,
        /// What the client sees.
        #[serde(default)]
        answer: LateAnswer,
    },
    /// Searches see the state of a while ago.
    StaleSearch {
        /// How long ago.
        lag_ms: u64,
    },
    /// `If-None-Exist` looks, waits, and then creates without looking again.
    NonAtomic {
        /// The wait.
        window_ms: u64,
    },
    /// A search ignores parameters and answers 200 with too much.
    IgnoreParameters {
        /// Which ones; empty means all but those that begin with `_`.
        #[serde(default)]
        parameters: Vec<String>,
        /// The `self` link still shows what was ignored.
        #[serde(default)]
        hide: bool,
    },
    /// 200 with a body that cannot be read.
    Garbage {
        /// Before or after the effect.
        #[serde(default = "after")]
        commit: Commit,
    },
    /// 401 without effect, as when a token was revoked.
    Unauthorized,
    /// The payer rejects with this AAA code (AAA03), such as `42`, `72` or `80`.
    Aaa {
        /// The code.
        code: String,
    },
}

const fn ten_minutes() -> u64 {
    600_000
}

const fn after() -> Commit {
    Commit::After
}

impl Fault {
    /// The name in reports, which tells what was done from what was not.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Slow { .. } => "slow",
            Self::Throttle { .. } => "throttle",
            Self::Error { commit: Commit::Before, .. } => "error_before_commit",
            Self::Error { commit: Commit::After, .. } => "error_after_commit",
            Self::Cut { commit: Commit::Before } => "cut_before_commit",
            Self::Cut { commit: Commit::After } => "cut_after_commit",
            Self::Hang { commit: Commit::Before, .. } => "hang_before_commit",
            Self::Hang { commit: Commit::After, .. } => "hang_after_commit",
            Self::LateCommit { answer: LateAnswer::Error, .. } => "late_commit_error",
            Self::LateCommit { answer: LateAnswer::Hang, .. } => "late_commit_hang",
            Self::LateCommit { answer: LateAnswer::Cut, .. } => "late_commit_cut",
            Self::StaleSearch { .. } => "stale_search",
            Self::NonAtomic { .. } => "non_atomic",
            Self::IgnoreParameters { .. } => "ignore_parameters",
            Self::Garbage { .. } => "garbage",
            Self::Unauthorized => "unauthorized",
            Self::Aaa { .. } => "aaa",
        }
    }
}
