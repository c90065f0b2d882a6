//! The topology on a real broker.

use std::path::Path;

use runtime::{
    Settings,
    topology::{Lanes, Step, Topology},
};

use crate::support::{Act, fixture};

fn derive(lanes: &str) -> Topology {
    Topology::derive(&Lanes::read(&Settings::from_toml(lanes, Path::new(".")).unwrap()).unwrap())
}

#[tokio::test]
async fn applying_twice_does_nothing_and_a_clinic_can_change_its_lane() {
    let f = fixture().await;
    let now = derive("[lanes.north]\nclinics = [\"clinic-n\"]");
    assert_eq!(f.management.plan(&now).await.unwrap().to_string(), "nothing to do\n");
    let moved = derive("[lanes.north]\n[lanes.south]\nclinics = [\"clinic-n\"]");
    let plan = f.management.apply(&moved).await.unwrap();
    assert_eq!(plan.steps.iter().filter(|step| matches!(step, Step::Unbind { .. })).count(), 4);
    assert!(f.management.plan(&moved).await.unwrap().is_empty());
    f.publish("clinic-n", "moved", Act::Emit).await;
    f.take("eligibility.south").await;
    assert_eq!(f.peek.ready("eligibility.north").await, 0);
}

#[tokio::test]
async fn what_is_in_the_way_is_told_and_never_deleted() {
    let f = fixture().await;
    let mut other = derive("[lanes.north]\nclinics = [\"clinic-n\"]");
    let queue = other.queues.iter_mut().find(|queue| queue.name == "wait.1s").unwrap();
    queue.arguments.insert("x-message-ttl", serde_json::json!(1001));
    let error = f.management.apply(&other).await.err().unwrap().to_string();
    assert!(error.contains("! queue wait.1s: x-message-ttl is 1000, must be 1001"), "{error}");
}

#[tokio::test]
async fn the_definitions_hold_the_same() {
    let f = fixture().await;
    let topology = derive("[lanes.north]\nclinics = [\"clinic-n\"]");
    let definitions = topology.definitions(f.management.vhost());
    let count = |key: &str| definitions[key].as_array().unwrap().len();
    assert_eq!((count("exchanges"), count("queues"), count("bindings")), {
        (topology.exchanges.len(), topology.queues.len(), topology.bindings.len())
    });
    assert_eq!(definitions["queues"][0]["vhost"], f.vhost.name());
}

#[tokio::test]
async fn depths_count_what_is_ready() {
    let f = fixture().await;
    f.publish("clinic-n", "one", Act::Emit).await;
    let management = f.management_at(f.vhost.amqp_url());
    f.until(async || {
        let depths = management.depths().await.unwrap();
        depths
            .iter()
            .any(|depth| depth.queue == "eligibility.north" && (depth.ready, depth.unacked) == (1, 0))
    })
    .await;
}
