//! How much will wait when a pause ends: what waits now, and what comes in meanwhile, as far as the broker and the journal tell it.

use std::collections::BTreeSet;

use domain::{ClinicId, EndpointKind, LaneName, Stage, ports::SwitchScope};
use jiff::{SignedDuration, Timestamp};
use ledger::read::Flow;
use serde::Serialize;

use crate::{names::Names, views::Queue};

/// Rates are counted over so long.
pub const WINDOW: SignedDuration = SignedDuration::from_mins(5);

/// The beginning of the window that ends now.
pub fn since(now: Timestamp) -> Timestamp {
    now.checked_sub(WINDOW).unwrap_or(Timestamp::MIN)
}

/// A count over the window as a rate, to one decimal.
pub fn per_minute(count: u64) -> f64 {
    (count as f64 * 10.0 * 60.0 / WINDOW.as_secs_f64()).round() / 10.0
}

/// What a pause makes wait. What cannot be known is `null`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Backlog {
    /// Messages of the scope that are on their way now.
    pub waiting: Option<u64>,
    /// Messages a minute that come in.
    pub per_minute: Option<f64>,
    /// How many will wait at the end of the pause; `null` too if it has none.
    pub projected: Option<u64>,
}

/// What is known when a pause begins.
pub struct Known<'a> {
    /// What there is.
    pub names: &'a Names,
    /// The broker's queues.
    pub queues: Option<&'a [Queue]>,
    /// What passed in the window.
    pub flows: Option<&'a [Flow]>,
    /// For a clinic: its submissions in flight. The broker does not know whose its messages are.
    pub in_flight: Option<u64>,
}

impl Backlog {
    /// The backlog of a pause of this scope that lasts so long.
    pub fn project(scope: &SwitchScope, lasts: Option<SignedDuration>, known: &Known<'_>) -> Self {
        let (waiting, per_minute) = match scope {
            SwitchScope::Stage(stage) => {
                (known.depth(|one, _| one == *stage), known.inflow(*stage, |_| true))
            }
            // Whatever comes into a lane comes in at its first stage.
            SwitchScope::Lane(lane) => (
                known.depth(|_, one| one == lane),
                known.inflow(Stage::Validation, |flow| flow.lane == *lane),
            ),
            SwitchScope::Clinic(clinic) => {
                let own = |flow: &Flow| flow.clinic.as_ref() == Some(clinic);
                (known.in_flight, known.inflow(Stage::Validation, own))
            }
            SwitchScope::Endpoint(endpoint) => match endpoint.kind() {
                EndpointKind::Ehr => known.ehr(endpoint.name()),
                // Which submissions will need one is in their sealed parts.
                EndpointKind::Payer | EndpointKind::Messenger => (None, None),
            },
        };
        let come = lasts.and_then(|lasts| per_minute.map(|rate| rate * lasts.as_secs_f64().max(0.0) / 60.0));
        let projected = waiting.zip(come).map(|(waiting, come)| waiting.saturating_add(whole(come)));
        Self { waiting, per_minute, projected }
    }
}

/// Rounded up: half a message is one.
#[allow(
    clippy::cast_possible_truncation,
    reason = "such a conversion saturates, and nothing here is negative"
)]
fn whole(count: f64) -> u64 {
    count.ceil() as u64
}

impl Known<'_> {
    /// Messages in the queues of some places.
    fn depth(&self, here: impl Fn(Stage, &LaneName) -> bool) -> Option<u64> {
        let queues = self.queues?;
        let places =
            Stage::ALL.into_iter().flat_map(|stage| self.names.lanes.iter().map(move |lane| (stage, lane)));
        let names: BTreeSet<String> = places
            .filter(|(stage, lane)| here(*stage, lane))
            .map(|(stage, lane)| stage.queue(lane))
            .collect();
        let there = queues.iter().filter(|queue| names.contains(&queue.queue));
        Some(there.map(|queue| queue.ready + queue.unacknowledged).sum())
    }

    /// Messages a minute that come to a stage: those that the stage before it hands on. What comes to the first is only seen when it
    /// is done with it.
    fn inflow(&self, stage: Stage, of: impl Fn(&Flow) -> bool) -> Option<f64> {
        let flows = self.flows?.iter().filter(|flow| of(flow));
        let count = match stage.previous() {
            Some(previous) => flows.filter(|flow| flow.stage == previous).map(|flow| flow.emitted).sum(),
            None => flows.filter(|flow| flow.stage == stage).map(|flow| flow.left).sum(),
        };
        Some(per_minute(count))
    }

    /// What waits for an EHR is known if every clinic has it; what comes, if the clinics are known.
    fn ehr(&self, name: &str) -> (Option<u64>, Option<f64>) {
        let Some(clinics) = &self.names.clinics else { return (None, None) };
        let has = |clinic: &ClinicId| clinics.get(clinic).is_some_and(|ehr| ehr == name);
        let waiting =
            if clinics.keys().all(has) { self.depth(|stage, _| stage == Stage::EhrWriter) } else { None };
        (waiting, self.inflow(Stage::EhrWriter, |flow| flow.clinic.as_ref().is_some_and(has)))
    }
}

#[cfg(test)]
mod tests;
