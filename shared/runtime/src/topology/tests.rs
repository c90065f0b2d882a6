use std::{collections::BTreeSet, path::Path};

use super::{
    Lanes, Plan, Standing, Step, Topology,
    compare::{Found, FoundBinding, FoundExchange, FoundQueue},
    permissions,
};
use crate::{Settings, config::StageSection};

fn lanes(text: &str) -> Result<Lanes, String> {
    let settings = Settings::from_toml(text, Path::new("/nowhere")).unwrap();
    Lanes::read(&settings).map_err(|error| error.to_string())
}

fn two_lanes() -> Topology {
    Topology::derive(&lanes("[lanes.north]\nclinics = [\"clinic-01\", \"clinic-02\"]").unwrap())
}

#[test]
fn plan_for_an_empty_broker() {
    insta::assert_snapshot!(Plan::against(&two_lanes(), &Found::default()));
}

#[test]
fn names_are_unique_and_bindings_are_between_them() {
    let topology = two_lanes();
    let exchanges: BTreeSet<_> = topology.exchanges.iter().map(|exchange| &exchange.name).collect();
    let queues: BTreeSet<_> = topology.queues.iter().map(|queue| &queue.name).collect();
    assert_eq!((exchanges.len(), queues.len()), (topology.exchanges.len(), topology.queues.len()));
    for binding in &topology.bindings {
        assert!(exchanges.contains(&binding.exchange) && queues.contains(&binding.queue), "{binding}");
    }
    for queue in &topology.queues {
        assert!(topology.bindings.iter().any(|binding| binding.queue == queue.name), "{queue} gets nothing");
    }
}

#[test]
fn lanes_are_checked() {
    let error = lanes("[lanes.a]\nclinics = [\"c1\"]\n[lanes.b]\nclinics = [\"c1\"]").unwrap_err();
    assert!(error.contains("lanes.b.clinics") && error.contains("c1"), "{error}");
    let error = lanes("[lanes.default]\nclinics = [\"c1\"]").unwrap_err();
    assert!(error.contains("lanes.default"), "{error}");
    let found = lanes("[lanes.a]\nclinics = [\"c1\"]").unwrap();
    let of = |clinic: &str| found.of(&clinic.parse().unwrap()).to_string();
    assert_eq!((of("c1"), of("c2")), ("a".to_owned(), "default".to_owned()));
}

/// How a process consumes the lane `a`, with `[stage]` left as it is.
fn consumed(text: &str) -> Result<(usize, u16, i16), String> {
    let consumed = lanes(text)?.consumed(&StageSection::default()).map_err(|error| error.to_string())?;
    let lane = consumed.into_iter().find(|lane| lane.name.as_str() == "a").unwrap();
    Ok((lane.concurrency, lane.prefetch, lane.priority))
}

#[test]
fn a_lane_is_consumed_as_its_section_says_and_else_as_the_stage_does() {
    assert_eq!(consumed("[lanes.a]"), Ok((64, 128, 0)));
    assert_eq!(consumed("[lanes.a]\nconcurrency = 4\nprefetch = 8\npriority = 10"), Ok((4, 8, 10)));
    assert_eq!(consumed("[lanes.a]\nconcurrency = 4"), Ok((4, 128, 0)));
    let error = consumed("[lanes.a]\nconcurrency = 200").unwrap_err();
    assert!(error.contains("lanes.a.prefetch") && error.contains("200"), "{error}");
    let error = consumed("[lanes.a]\nconcurrency = 0").unwrap_err();
    assert!(error.contains("lanes.a.concurrency"), "{error}");
}

/// What a broker holds that was made by this topology, as the management API tells it.
fn holding(topology: &Topology, counts: impl Fn(&str) -> (u64, u64)) -> Found {
    let map = |arguments: &super::Arguments| {
        arguments.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
    };
    Found {
        exchanges: topology
            .exchanges
            .iter()
            .map(|one| FoundExchange {
                name: one.name.clone(),
                kind: one.kind.to_owned(),
                arguments: map(&one.arguments),
            })
            .collect(),
        queues: topology
            .queues
            .iter()
            .map(|one| {
                let (messages, consumers) = counts(&one.name);
                let (messages, consumers) = (Some(messages), Some(consumers));
                FoundQueue { name: one.name.clone(), arguments: map(&one.arguments), messages, consumers }
            })
            .collect(),
        bindings: topology
            .bindings
            .iter()
            .map(|one| FoundBinding {
                source: one.exchange.clone(),
                destination: one.queue.clone(),
                destination_type: "queue".to_owned(),
                routing_key: one.routing_key.clone(),
                properties_key: one.routing_key.clone(),
            })
            .collect(),
    }
}

fn planned(lanes_then: &str, counts: impl Fn(&str) -> (u64, u64), lanes_now: &str) -> Plan {
    let then = Topology::derive(&lanes(lanes_then).unwrap());
    Plan::against(&Topology::derive(&lanes(lanes_now).unwrap()), &holding(&then, counts))
}

const NORTH: &str = "[lanes.north]\nclinics = [\"clinic-01\", \"clinic-02\"]\n";
const QUIET: fn(&str) -> (u64, u64) = |_| (0, 0);

#[test]
fn a_clinic_that_changes_its_lane_is_moved_and_nothing_else_is_touched() {
    assert_eq!(planned(NORTH, QUIET, NORTH).standing(), Standing::Same);
    let now = "[lanes.north]\nclinics = [\"clinic-01\"]\n[lanes.south]\nclinics = [\"clinic-02\"]";
    insta::assert_snapshot!(planned(NORTH, QUIET, now));
    // From the lane default it is bound, to it unbound: never to two queues.
    let back = planned(NORTH, QUIET, "[lanes.north]\nclinics = [\"clinic-01\"]");
    assert!(
        back.steps.len() == 4 && back.steps.iter().all(|step| matches!(step, Step::Unbind { .. })),
        "{back}"
    );
}

#[test]
fn a_lane_that_is_no_more_is_removed_when_nothing_is_in_it_or_can_come() {
    let idle = planned(NORTH, QUIET, "");
    assert_eq!(idle.standing(), Standing::Differs);
    assert_eq!(idle.steps.iter().filter(|step| matches!(step, Step::Remove(_))).count(), 4);
    let busy = planned(
        NORTH,
        |queue| match queue {
            "validation.north" => (12, 1),
            "eligibility.north" => (3, 0),
            "ehr-writer.north.dlq" => (2, 0),
            "notification.north" => (0, 2),
            "notification.north.dlq" => (0, 1),
            _ => (0, 0),
        },
        "",
    );
    insta::assert_snapshot!(busy);
    let waits = planned(NORTH, |queue| (u64::from(queue == "wait.10m") * 5, 0), "");
    assert_eq!(waits.kept().count(), 4);
    insta::assert_snapshot!("what_may_come_back_keeps_a_lane", waits);
    assert!(waits.lacks(), "its clinics are still bound");
}

#[test]
fn what_is_not_named_as_ours_is_left_alone() {
    let mut found = holding(&two_lanes(), QUIET);
    for name in ["audit", "validation", "validation.a.b", "billing.north", "Validation.north"] {
        let (name, arguments) = (name.to_owned(), serde_json::Map::new());
        found.queues.push(FoundQueue { name, arguments, messages: Some(1), consumers: Some(1) });
    }
    assert_eq!(Plan::against(&two_lanes(), &found).standing(), Standing::Same);
}

#[test]
fn services_may_configure_nothing() {
    let all = permissions();
    assert!(all.iter().all(|permission| permission.configure == "^$"));
    let text: Vec<String> = all.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(text.join("\n"));
}
