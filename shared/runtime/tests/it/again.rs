//! What is published again for a person says so, and goes on saying so.

use std::sync::Arc;

use domain::{
    MessageId, Stage,
    clock::{Clock as _, SystemClock},
    ids::LetterId,
    letter,
    ports::Outbox as _,
};
use runtime::{
    again::{Again, Original},
    amqp::header,
    letters::Replays,
    topology::Lanes,
};

use crate::support::{Act, Got, fixture, message};

fn resumed(got: &Got) -> bool {
    got.header(header::RESUMED).as_deref() == Some("true")
}

#[tokio::test]
async fn an_original_that_goes_on_is_marked() {
    let f = fixture().await;
    let envelope = message("clinic-n", "held", Act::Emit).seal(&f.keys()).unwrap();
    let (clinic, correlation) = (envelope.meta.clinic.clone(), envelope.meta.correlation);
    let id = MessageId::from_uuid(SystemClock.fresh_id());
    let original = Original::new(clinic, id, correlation, None, envelope.to_vec().unwrap()).unwrap();
    let again = Again::new(f.publisher.clone(), "test", Arc::new(SystemClock));
    again.publish(original).await.unwrap();
    let got = f.take("validation.north").await;
    assert_eq!((resumed(&got), got.header(header::CLINIC).as_deref()), (true, Some("clinic-n")));
    assert_eq!(got.properties.message_id().as_ref().map(ToString::to_string), Some(id.to_string()));
    f.boot.close().await;
}

#[tokio::test]
async fn a_replay_is_marked_to_the_end_of_the_line_and_what_came_by_itself_is_not() {
    let f = fixture().await;
    let running = f.run();
    f.publish("clinic-n", "came by itself", Act::Emit).await;
    assert!(!resumed(&f.take("ehr-writer.north").await));
    let envelope = message("clinic-n", "dead", Act::Emit).seal(&f.keys()).unwrap();
    let letter = letter::Again {
        id: LetterId::from_uuid(SystemClock.fresh_id()),
        message: MessageId::from_uuid(SystemClock.fresh_id()),
        stage: Stage::Eligibility,
        lane: "north".parse().unwrap(),
        clinic: Some(envelope.meta.clinic.clone()),
        correlation: envelope.meta.correlation,
        trace_id: None,
        schema: envelope.schema.clone(),
        body: envelope.to_vec().unwrap(),
    };
    let lanes = Lanes::read(f.boot.settings()).unwrap();
    let outbox = Replays::over(f.publisher.clone(), lanes, "test", Arc::new(SystemClock));
    outbox.send(letter).await.unwrap();
    assert!(resumed(&f.take("ehr-writer.north").await));
    f.stop(running).await;
}
