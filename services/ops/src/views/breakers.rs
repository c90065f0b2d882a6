//! Circuit breakers that are not closed, as the processes told of them.

use domain::breaker::{BreakerState, TOLD_EVERY};
use jiff::{SignedDuration, Timestamp};
use ledger::watch::ToldBreaker;
use serde::Serialize;

/// What was told longer ago than so many reports is not believed any more: the process may be gone.
const BELIEVED_FOR: u32 = 3;

/// A breaker that is not closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Breaker {
    /// Of what, such as `ehr:main`.
    pub endpoint: String,
    /// In a process of which stage.
    pub stage: String,
    /// The lanes whose messages it has put off.
    pub lanes: Vec<String>,
    /// `open`, `recovering`, or `unknown` if its process has been silent for too long.
    pub state: &'static str,
    /// When the endpoint's failures began.
    pub since: Timestamp,
    /// When it lets the next probe pass; absent once it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probe_at: Option<Timestamp>,
    /// When the process told of it.
    pub told_at: Timestamp,
}

impl Breaker {
    /// As it is to be taken at a moment.
    pub fn new(told: &ToldBreaker, at: Timestamp) -> Self {
        let patience = SignedDuration::try_from(TOLD_EVERY * BELIEVED_FOR).unwrap_or_default();
        let state = match told.state {
            _ if at.duration_since(told.told_at) > patience => "unknown",
            BreakerState::Open => "open",
            BreakerState::Recovering => "recovering",
        };
        Self {
            endpoint: told.endpoint.to_string(),
            stage: told.stage.to_string(),
            lanes: told.lanes.iter().map(ToString::to_string).collect(),
            state,
            since: told.since,
            probe_at: told.probe_at,
            told_at: told.told_at,
        }
    }

    /// The state that says most of several: open before recovering before unknown.
    pub fn worst<'a>(states: impl Iterator<Item = &'a Self>) -> Option<&'static str> {
        let rank = |state: &str| ["unknown", "recovering", "open"].iter().position(|one| *one == state);
        states.map(|one| one.state).max_by_key(|state| rank(state))
    }
}

#[cfg(test)]
mod tests {
    use domain::{Endpoint, Stage, breaker::BreakerState, ids::ProcessId};
    use jiff::{SignedDuration, Timestamp};
    use ledger::watch::ToldBreaker;

    use super::Breaker;

    #[test]
    fn what_a_silent_process_told_is_not_believed() {
        let told_at = Timestamp::UNIX_EPOCH;
        let mut told = ToldBreaker {
            process: ProcessId::from_uuid(uuid::Uuid::nil()),
            stage: Stage::EhrWriter,
            endpoint: Endpoint::ehr("main"),
            state: BreakerState::Open,
            since: told_at,
            probe_at: None,
            lanes: Vec::new(),
            told_at,
        };
        let at = |seconds| told_at + SignedDuration::from_secs(seconds);
        assert_eq!(
            (Breaker::new(&told, at(15)).state, Breaker::new(&told, at(16)).state),
            ("open", "unknown")
        );
        let open = Breaker::new(&told, at(1));
        told.state = BreakerState::Recovering;
        let (recovering, unknown) = (Breaker::new(&told, at(1)), Breaker::new(&told, at(60)));
        assert_eq!(Breaker::worst([&unknown, &open, &recovering].into_iter()), Some("open"));
        assert_eq!(Breaker::worst([&recovering, &unknown].into_iter()), Some("recovering"));
        assert_eq!(Breaker::worst(std::iter::empty()), None);
    }
}
