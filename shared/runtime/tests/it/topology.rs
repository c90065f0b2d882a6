//! The topology on a real broker.

use std::path::Path;

use runtime::{
    Settings,
    topology::{Lanes, Step, Topology},
};

use crate::support::{Act, fixture, fixture_with};

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
    assert_eq!(plan.steps.iter().filter(|step| matches!(step, Step::Move { .. })).count(), 4);
    assert!(f.management.plan(&moved).await.unwrap().is_empty());
    f.publish("clinic-n", "moved", Act::Emit).await;
    f.take("eligibility.south").await;
    assert_eq!(f.peek.ready("eligibility.north").await, 0);
}

/// Every message of a clinic that is moved to and fro comes once, to one of its lanes or, in between, to the lane `default`.
#[tokio::test]
async fn a_clinic_is_moved_while_messages_flow_and_none_is_lost_or_comes_twice() {
    let f = fixture().await;
    let places = ["north", "south"].map(|lane| {
        let lanes = ["north", "south"].map(|one| {
            let clinics = if one == lane { "clinics = [\"clinic-n\"]" } else { "" };
            format!("[lanes.{one}]\n{clinics}\n")
        });
        derive(&lanes.concat())
    });
    f.management.apply(&places[0]).await.unwrap();
    let moving = async {
        for topology in places.iter().cycle().skip(1).take(6) {
            f.management.apply(topology).await.unwrap();
        }
    };
    let done = std::cell::Cell::new(false);
    let publishing = async {
        let mut sent = 0_u32;
        // Some before the first move, some after the last.
        while !done.get() || sent < 200 {
            f.publish("clinic-n", &format!("m{sent}"), Act::Emit).await;
            sent += 1;
        }
        sent
    };
    let moving = async {
        moving.await;
        done.set(true);
    };
    let (sent, ()) = tokio::join!(publishing, moving);
    let mut came = 0;
    let mut used = 0;
    for lane in ["north", "south", "default"] {
        let ready = f.peek.ready(&format!("eligibility.{lane}")).await;
        came += ready;
        used += u32::from(ready > 0);
    }
    assert_eq!(came, sent, "each in one queue");
    assert!(used >= 2, "it was moved while they flowed");
}

#[tokio::test]
async fn a_lane_that_is_no_more_is_emptied_by_its_consumers_and_then_removed() {
    let f = fixture().await;
    f.publish("clinic-n", "late", Act::Emit).await;
    let without = derive("");
    f.until(async || {
        f.management.plan(&without).await.unwrap().to_string().contains("1 message, and nobody")
    })
    .await;
    let plan = f.management.apply(&without).await.unwrap();
    let kept: Vec<_> = plan.kept().map(|left| left.stage).collect();
    assert!(kept.contains(&domain::Stage::Eligibility), "{plan}");
    assert_eq!(f.peek.ready("eligibility.north").await, 1, "it is never deleted with what is in it");
    // What comes now goes elsewhere.
    f.publish("clinic-n", "after", Act::Emit).await;
    assert_eq!(f.peek.ready("eligibility.default").await, 1);
    let running = f.run();
    // Emitted by the stage, they lie in the lane default of the next one.
    f.until(async || f.peek.ready("ehr-writer.default").await == 2).await;
    f.boot.shutdown().soft().cancel();
    running.await.unwrap().unwrap();
    f.until(async || f.management.apply(&without).await.unwrap().kept().count() == 0).await;
    assert_eq!(f.management.plan(&without).await.unwrap().to_string(), "nothing to do\n");
    assert!(f.management.depths().await.unwrap().iter().all(|depth| !depth.queue.contains("north")));
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

#[tokio::test]
async fn a_process_consumes_the_lanes_that_it_is_told_and_each_as_it_is_configured() {
    let f = fixture_with(
        "[lanes.south]\nclinics = [\"clinic-s\"]\nconcurrency = 2\nprefetch = 3\npriority = 7\n\
         [stage]\nlanes = [\"south\", \"default\"]\nconcurrency = 8\nprefetch = 16\n",
    )
    .await;
    let running = f.run();
    let url = format!("{}api/consumers/{}", f.vhost.management_url(), f.vhost.name());
    let mut seen = Vec::new();
    f.until(async || {
        let answer: serde_json::Value = reqwest::get(&url).await.unwrap().json().await.unwrap();
        seen = answer.as_array().unwrap().iter().map(consumer).collect();
        seen.sort();
        seen.len() == 2
    })
    .await;
    let expected = [("eligibility.default", 16, 0), ("eligibility.south", 3, 7)];
    assert_eq!(seen, expected.map(|(queue, prefetch, priority)| (queue.to_owned(), prefetch, priority)));
    f.stop(running).await;
}

/// A consumer's queue, prefetch and priority.
fn consumer(one: &serde_json::Value) -> (String, u64, i64) {
    let queue = one["queue"]["name"].as_str().unwrap().to_owned();
    (queue, one["prefetch_count"].as_u64().unwrap(), one["arguments"]["x-priority"].as_i64().unwrap())
}
