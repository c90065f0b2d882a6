//! What a process tells of its circuit breakers, for people who look at the line.

use std::{collections::BTreeSet, fmt, str::FromStr, time::Duration};

use jiff::Timestamp;

use crate::{Endpoint, LaneName, Stage, ids::ProcessId};

/// How often a process tells of its breakers as long as one of them is not closed.
pub const TOLD_EVERY: Duration = Duration::from_secs(5);

/// How a breaker stands that is not closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BreakerState {
    /// Nothing passes.
    Open,
    /// A few calls pass, and more with each that is answered.
    Recovering,
}

impl BreakerState {
    /// The name in rows.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Recovering => "recovering",
        }
    }
}

impl fmt::Display for BreakerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is no state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the state of a breaker: open or recovering")]
pub struct UnknownBreakerState;

impl FromStr for BreakerState {
    type Err = UnknownBreakerState;

    fn from_str(text: &str) -> Result<Self, UnknownBreakerState> {
        [Self::Open, Self::Recovering].into_iter().find(|one| one.as_str() == text).ok_or(UnknownBreakerState)
    }
}

/// A breaker that is not closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakerNote {
    /// Of what.
    pub endpoint: Endpoint,
    /// How it stands.
    pub state: BreakerState,
    /// When the endpoint's failures began.
    pub since: Timestamp,
    /// When it lets the next probe pass; `None` once it does.
    pub probe_at: Option<Timestamp>,
    /// The lanes whose messages it has put off.
    pub lanes: BTreeSet<LaneName>,
}

/// All breakers of one process that are not closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakerReport {
    /// Whose.
    pub process: ProcessId,
    /// Its stage.
    pub stage: Stage,
    /// When it was told.
    pub at: Timestamp,
    /// Which.
    pub breakers: Vec<BreakerNote>,
}

#[cfg(test)]
mod tests {
    use super::BreakerState;

    #[test]
    fn states_read_back() {
        for state in [BreakerState::Open, BreakerState::Recovering] {
            assert_eq!(state.as_str().parse(), Ok(state));
        }
        assert!("closed".parse::<BreakerState>().is_err());
    }
}
