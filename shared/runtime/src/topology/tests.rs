use std::{collections::BTreeSet, path::Path};

use super::{Lanes, Plan, Topology, permissions};
use crate::Settings;

fn lanes(text: &str) -> Result<Lanes, String> {
    let settings = Settings::from_toml(text, Path::new("/nowhere")).unwrap();
    Lanes::read(&settings).map_err(|error| error.to_string())
}

fn two_lanes() -> Topology {
    Topology::derive(&lanes("[lanes.north]\nclinics = [\"clinic-01\", \"clinic-02\"]").unwrap())
}

#[test]
fn plan_for_an_empty_broker() {
    insta::assert_snapshot!(Plan::against(&two_lanes(), &super::plan::Found::default()));
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

#[test]
fn services_may_configure_nothing() {
    let all = permissions();
    assert!(all.iter().all(|permission| permission.configure == "^$"));
    let text: Vec<String> = all.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(text.join("\n"));
}
