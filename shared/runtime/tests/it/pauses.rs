//! Switches and breakers: messages wait, and nothing burns an attempt.

use domain::{Endpoint, Stage, breaker::BreakerState, ports::SwitchScope};
use runtime::amqp::header;

use crate::support::{Act, fixture};

#[tokio::test]
async fn a_paused_stage_takes_nothing_and_goes_on_when_resumed() {
    let f = fixture().await;
    f.board.set(&[SwitchScope::Stage(Stage::Eligibility)]);
    let running = f.run();
    f.publish("clinic-n", "one", Act::Emit).await;
    f.until(async || f.boot.health().check().await.into_iter().all(|(_, ok)| ok)).await;
    assert_eq!(f.peek.ready("eligibility.north").await, 1, "where it was");
    f.board.set(&[]);
    f.take("ehr-writer.north").await;

    // While it runs, the lane is paused; the other lane is not.
    f.board.set(&[SwitchScope::Lane("north".parse().unwrap())]);
    f.until(async || f.boot.metrics().received.get() == 1 && paused(&f).await).await;
    f.publish("clinic-n", "two", Act::Emit).await;
    f.publish("clinic-x", "three", Act::Emit).await;
    f.take("ehr-writer.default").await;
    assert_eq!((f.peek.ready("eligibility.north").await, f.toy.seen("two")), (1, 0));
    f.stop(running).await;
}

/// Whether nobody consumes the lane's queue any more.
async fn paused(f: &crate::support::Fixture) -> bool {
    f.peek.consumers("eligibility.north").await == 0
}

#[tokio::test]
async fn a_paused_clinic_waits_alone() {
    let f = fixture().await;
    f.board.set(&[SwitchScope::Clinic("clinic-n".parse().unwrap())]);
    let running = f.run();
    f.publish("clinic-n", "paused", Act::Emit).await;
    f.publish("clinic-x", "other", Act::Emit).await;
    f.take("ehr-writer.default").await;
    let waiting = f.take("wait.30s").await;
    assert_eq!(waiting.routing_key, "eligibility.north", "where it goes back to");
    assert_eq!(waiting.header(header::ATTEMPT).as_deref(), Some("1"));
    assert_eq!(waiting.header(header::RESUMED).as_deref(), Some("true"), "it waits for a person");
    assert_eq!((f.toy.seen("paused"), f.rows.all().len()), (0, 1));
    f.stop(running).await;
}

#[tokio::test]
async fn a_paused_endpoint_holds_back_who_needs_it() {
    let f = fixture().await;
    f.board.set(&[SwitchScope::Endpoint(Endpoint::ehr("main"))]);
    let running = f.run();
    f.publish("clinic-n", "needs", Act::Call).await;
    f.publish("clinic-n", "does not", Act::Emit).await;
    f.take("ehr-writer.north").await;
    let waiting = f.take("wait.30s").await;
    assert_eq!(waiting.header(header::RESUMED).as_deref(), Some("true"));
    assert_eq!(f.toy.seen("needs"), 0);
    f.stop(running).await;
}

#[tokio::test]
async fn an_open_breaker_keeps_attempts_and_closes_again() {
    let f = fixture().await;
    let running = f.run();
    let total = 40;
    for n in 0..total {
        f.publish("clinic-n", &format!("m{n}"), Act::Call).await;
    }
    let metrics = f.boot.metrics();
    f.until(async || metrics.breaker_opened.get() == 1 && metrics.held_back.get() > 0).await;
    let burnt = metrics.retried.get();
    assert!(burnt < total, "only what was tried before it opened: {burnt}");
    // Told, once it has put somebody off: of what, how it stands, whom it stops.
    let told = || f.rows.reports().into_iter().flat_map(|report| report.breakers);
    let north = "north".parse().unwrap();
    f.until(async || told().any(|one| one.state == BreakerState::Open && one.lanes.contains(&north))).await;
    assert!(told().all(|one| one.endpoint == Endpoint::ehr("main")));
    *f.toy.repaired.lock().unwrap() = true;
    f.until(async || u64::from(f.peek.ready("ehr-writer.north").await) == total).await;
    while let Some(got) = f.peek.get("ehr-writer.north").await {
        assert_eq!(f.open(&got).secret.expose().attempt, 1, "an outage burns none");
    }
    f.until(async || f.rows.reports().last().is_some_and(|report| report.breakers.is_empty())).await;
    f.stop(running).await;
}
