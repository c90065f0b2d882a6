//! What is paused.

use domain::{
    Endpoint, Stage,
    clock::Clock,
    ports::{SwitchBoard, SwitchScope},
};
use jiff::SignedDuration;
use ledger::switches::Pause;

use crate::support::Fixture;

#[tokio::test]
async fn a_pause_is_seen_everywhere_ends_by_itself_and_can_be_ended() {
    let fixture = Fixture::new().await;
    let (one, other) = (fixture.store().await, fixture.store().await);
    let now = fixture.clock.now();
    let pause =
        |scope, until| Pause { scope, actor: "sam".into(), reason: "maintenance".into(), since: now, until };
    let (stage, ehr) = (SwitchScope::Stage(Stage::EhrWriter), SwitchScope::Endpoint(Endpoint::ehr("main")));
    one.pause(&pause(stage.clone(), Some(now + SignedDuration::from_secs(60)))).await.unwrap();
    one.pause(&pause(ehr.clone(), None)).await.unwrap();
    let paused = other.paused().await.unwrap();
    assert!(paused.len() == 2 && paused.contains(&stage) && paused.contains(&ehr));
    assert_eq!(other.pauses().await.unwrap()[0].actor, "sam");
    fixture.clock.forward(60);
    assert_eq!(other.paused().await.unwrap(), std::slice::from_ref(&ehr));
    assert!(other.resume(&ehr).await.unwrap());
    assert!(!other.resume(&ehr).await.unwrap());
    assert!(!other.resume(&stage).await.unwrap(), "it had ended by itself");
    assert!(one.paused().await.unwrap().is_empty());
}
