//! Stage by stage and lane by lane: what waits, what passes, what is stopped.

use domain::{LaneName, Stage, ports::SwitchScope};
use jiff::Timestamp;
use ledger::read::{Activity, Parked};
use serde::Serialize;

use super::{Breaker, Pause, Queue};
use crate::{backlog, names::Names};

/// One stage in one lane.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Place {
    /// The stage.
    pub stage: Stage,
    /// The lane.
    pub lane: String,
    /// Messages that wait in its queue; `null` if the broker cannot be asked.
    pub ready: Option<u64>,
    /// Messages in a consumer's hand.
    pub unacknowledged: Option<u64>,
    /// Open dead letters: those that were collected, and those that the broker still has.
    pub dead: Option<u64>,
    /// Submissions that wait for a person.
    pub held: u64,
    /// Messages a minute that the stage was done with.
    pub per_minute: f64,
    /// Seconds since the oldest submission there was received; `null`: none is known. Validation has seen nothing yet of what waits
    /// for it.
    pub oldest_s: Option<i64>,
    /// Whether the stage or the lane is paused as a whole.
    pub paused: bool,
    /// How the breaker stands that puts its messages off: `open`, `recovering` or `unknown`; `null`: none does.
    pub breaker: Option<&'static str>,
}

/// Every stage in every lane.
pub fn lanes(
    names: &Names,
    (at, activity): (Timestamp, &Activity),
    queues: Option<&[Queue]>,
    (paused, breakers): (&[Pause], &[Breaker]),
) -> Vec<Place> {
    let places = Stage::ALL.into_iter().flat_map(|stage| names.lanes.iter().map(move |lane| (stage, lane)));
    places.map(|(stage, lane)| place((stage, lane), (at, activity), queues, (paused, breakers))).collect()
}

fn place(
    (stage, lane): (Stage, &LaneName),
    (at, activity): (Timestamp, &Activity),
    queues: Option<&[Queue]>,
    (paused, breakers): (&[Pause], &[Breaker]),
) -> Place {
    let queue = |name: String| queues.and_then(|queues| queues.iter().find(|one| one.queue == name));
    let (own, dead) = (queue(stage.queue(lane)), queue(stage.dead_letter_queue(lane)));
    let here = |other: (Stage, &LaneName)| other == (stage, lane);
    let flows = activity.flows.iter().filter(|flow| here((flow.stage, &flow.lane)));
    let parked =
        |all: &[Parked]| all.iter().find(|one| here((one.stage, &one.lane))).map_or(0, |one| one.count);
    let oldest = activity.oldest.iter().find(|one| here((one.stage, &one.lane)));
    let stops = |breaker: &&Breaker| {
        breaker.stage == stage.as_str() && breaker.lanes.iter().any(|one| one == lane.as_str())
    };
    let (whole_stage, whole_lane) = (SwitchScope::Stage(stage), SwitchScope::Lane(lane.clone()));
    Place {
        stage,
        lane: lane.to_string(),
        ready: own.map(|queue| queue.ready),
        unacknowledged: own.map(|queue| queue.unacknowledged),
        dead: dead.map(|queue| queue.ready + queue.unacknowledged + parked(&activity.dead)),
        held: parked(&activity.held),
        per_minute: backlog::per_minute(flows.map(|flow| flow.left).sum()),
        oldest_s: oldest.map(|one| at.duration_since(one.received_at).as_secs().max(0)),
        paused: paused.iter().any(|pause| pause.scope == whole_stage || pause.scope == whole_lane),
        breaker: Breaker::worst(breakers.iter().filter(stops)),
    }
}

#[cfg(test)]
mod tests {
    use domain::{LaneName, Stage};
    use jiff::Timestamp;
    use ledger::read::{Activity, Flow, Oldest, Parked};

    use super::lanes;
    use crate::{
        names::Names,
        views::{Breaker, Pause, Queue},
    };

    #[test]
    fn each_place_has_its_own_numbers() {
        let lane = LaneName::parse("default").unwrap();
        let names = Names {
            lanes: [lane.clone(), LaneName::parse("north").unwrap()].into(),
            clinics: None,
            ehrs: None,
            payers: None,
        };
        let (stage, at) = (Stage::EhrWriter, Timestamp::from_second(1_000_000).unwrap());
        let activity = Activity {
            flows: vec![Flow { stage, lane: lane.clone(), clinic: None, left: 25, emitted: 20 }],
            held: vec![Parked { stage, lane: lane.clone(), count: 3 }],
            dead: vec![Parked { stage, lane: lane.clone(), count: 40 }],
            oldest: vec![Oldest { stage, lane, received_at: Timestamp::from_second(999_940).unwrap() }],
        };
        let queue = |name: &str, ready| Queue { queue: name.to_owned(), ready, unacknowledged: 2 };
        let queues = [queue("ehr-writer.default", 7), queue("ehr-writer.default.dlq", 1)];
        let pause = Pause {
            scope: "lane:north".parse().unwrap(),
            actor: "sam".to_owned(),
            reason: "upgrade".to_owned(),
            since: at,
            until: None,
        };
        let breaker = Breaker {
            endpoint: "ehr:main".to_owned(),
            stage: stage.to_string(),
            lanes: vec!["default".to_owned()],
            state: "open",
            since: at,
            probe_at: Some(at),
            told_at: at,
        };
        let places = lanes(&names, (at, &activity), Some(&queues), (&[pause], &[breaker]));
        assert_eq!(places.len(), 8);
        let busy = places.iter().find(|place| place.ready.is_some()).unwrap();
        assert_eq!((busy.stage, busy.lane.as_str(), busy.paused), (stage, "default", false));
        assert_eq!((busy.ready, busy.unacknowledged, busy.dead, busy.held), (Some(7), Some(2), Some(43), 3));
        assert_eq!((busy.per_minute, busy.oldest_s), (5.0, Some(60)));
        assert!(places.iter().all(|place| place.paused == (place.lane == "north")));
        let stopped = |place: &&super::Place| place.breaker == Some("open");
        assert_eq!((busy.breaker, places.iter().filter(stopped).count()), (Some("open"), 1));
        let unseen = lanes(&names, (at, &activity), None, (&[], &[]));
        assert!(unseen.iter().all(|place| place.ready.is_none() && place.dead.is_none() && !place.paused));
    }
}
