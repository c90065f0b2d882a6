//! Dead letters are taken from the broker once they are kept, and not before.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use domain::{
    Code, Stage,
    envelope::{CONTENT_TYPE, Envelope},
    letter::{Again, DeadLetter},
    ports::{LetterBox, NotSent, Outbox, Pending, StoreDown},
};
use runtime::{ConfigError, amqp::header, letters, stage::RAW_SCHEMA};
use tokio::task::JoinHandle;

use crate::support::{Act, CANARY, Fixture, fixture};

/// Keeps letters in memory.
#[derive(Default)]
struct Drawer {
    letters: Mutex<Vec<DeadLetter>>,
    down: AtomicBool,
}

impl Drawer {
    fn all(&self) -> Vec<DeadLetter> {
        self.letters.lock().unwrap().clone()
    }
}

impl LetterBox for Drawer {
    fn keep(&self, letter: DeadLetter) -> Pending<Result<(), StoreDown>> {
        let down = self.down.load(Ordering::Relaxed);
        if !down {
            self.letters.lock().unwrap().push(letter);
        }
        Box::pin(async move { if down { Err(StoreDown) } else { Ok(()) } })
    }
}

fn collect(f: &Fixture, drawer: &Arc<Drawer>) -> JoinHandle<Result<(), ConfigError>> {
    let (boot, drawer) = (f.boot.clone(), drawer.clone());
    tokio::spawn(async move { letters::collect(&boot, drawer).await })
}

#[tokio::test]
async fn what_a_stage_gave_up_is_kept_as_it_says() {
    let f = fixture().await;
    let (running, drawer) = (f.run(), Arc::new(Drawer::default()));
    let collecting = collect(&f, &drawer);
    let message = f.publish("clinic-n", CANARY, Act::Permanent).await;
    f.until(async || drawer.all().len() == 1).await;
    let letter = drawer.all().remove(0);
    assert_eq!(letter.fingerprint(), "eligibility/ehr_rejected/patient.given/-");
    assert_eq!((letter.message, letter.lane.as_str(), letter.attempt), (Some(message), "north", 1));
    assert_eq!(letter.clinic.as_ref().map(|clinic| clinic.as_str()), Some("clinic-n"));
    f.until(async || f.rows.all().len() == 1).await;
    let row = f.rows.all().remove(0);
    assert_eq!(
        (letter.died_at, Some(letter.correlation)),
        (row.finished_at, row.correlation),
        "as journalled"
    );
    assert!(!String::from_utf8_lossy(&letter.body).contains(CANARY));
    f.until(async || f.boot.metrics().collected.get() == 1).await;
    assert_eq!(f.peek.ready("eligibility.north.dlq").await, 0);
    f.boot.shutdown().soft().cancel();
    collecting.await.unwrap().unwrap();
    f.stop(running).await;
}

#[tokio::test]
async fn what_the_broker_gave_up_in_clear_is_sealed_before_it_is_kept() {
    let f = fixture().await;
    // By a scenario that names what it likes.
    let properties = f.properties("application/json").header(header::FIELD, Some(CANARY));
    let body = format!("{{\"name\": \"{CANARY}\"}}").into_bytes();
    f.publisher.publish("intake.ingest", "clinic.clinic-n", properties, body.clone()).await.unwrap();
    f.until(async || f.peek.ready("validation.north").await == 1).await;
    f.until(async || {
        while f.peek.die_of("validation.north").await {}
        f.peek.ready("validation.north.dlq").await == 1
    })
    .await;
    let drawer = Arc::new(Drawer::default());
    let collecting = collect(&f, &drawer);
    f.until(async || drawer.all().len() == 1).await;
    let letter = drawer.all().remove(0);
    assert_eq!((letter.stage, letter.code), (Stage::Validation, Some(Code::DeliveryLimit)));
    assert_eq!((letter.field, letter.schema.as_str()), (None, RAW_SCHEMA));
    assert!(!String::from_utf8_lossy(&letter.body).contains(CANARY));
    let sealed = Envelope::from_slice(&letter.body).unwrap();
    assert_eq!(sealed.open_bytes(&f.keys()).unwrap().expose(), &body);
    f.boot.shutdown().soft().cancel();
    collecting.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_letter_stays_on_the_broker_until_it_is_kept() {
    let f = fixture().await;
    let (running, drawer) = (f.run(), Arc::new(Drawer::default()));
    drawer.down.store(true, Ordering::Relaxed);
    let collecting = collect(&f, &drawer);
    f.publish("clinic-n", CANARY, Act::Permanent).await;
    f.until(async || f.boot.metrics().store_retries.get() >= 2).await;
    f.boot.shutdown().soft().cancel();
    collecting.await.unwrap().unwrap();
    running.await.unwrap().unwrap();
    f.until(async || f.peek.ready("eligibility.north.dlq").await == 1).await;
    assert!(drawer.all().is_empty() && f.boot.metrics().collected.get() == 0);
}

#[tokio::test]
async fn a_letter_that_is_replayed_is_the_same_message_with_all_its_attempts_before_it() {
    let f = fixture().await;
    let (running, drawer) = (f.run(), Arc::new(Drawer::default()));
    let collecting = collect(&f, &drawer);
    let message = f.publish("clinic-n", CANARY, Act::Permanent).await;
    f.until(async || drawer.all().len() == 1).await;
    f.boot.shutdown().soft().cancel();
    collecting.await.unwrap().unwrap();
    running.await.unwrap().unwrap();
    let letter = drawer.all().remove(0);
    let again = Again {
        id: letter.id,
        message,
        stage: letter.stage,
        lane: letter.lane.clone(),
        clinic: letter.clinic.clone(),
        correlation: letter.correlation,
        trace_id: Some("0af7651916cd43dd8448eb211c80319c".to_owned()),
        schema: letter.schema.clone(),
        body: letter.body.clone(),
    };
    let outbox = letters::Replays::new(&f.boot).await.unwrap();
    assert_eq!(outbox.send(again.clone()).await, Ok(()));
    let got = f.peek.get("eligibility.north").await.unwrap();
    assert_eq!(got.body, letter.body);
    let text = |field: &Option<lapin::types::ShortString>| field.as_ref().map(ToString::to_string);
    assert_eq!(text(got.properties.message_id()), Some(message.to_string()));
    assert_eq!(text(got.properties.correlation_id()), Some(letter.correlation.to_string()));
    assert_eq!(text(got.properties.kind()), Some(letter.schema));
    assert_eq!(text(got.properties.content_type()).as_deref(), Some(CONTENT_TYPE));
    assert_eq!(got.header(header::CLINIC).as_deref(), Some("clinic-n"));
    assert_eq!((got.header(header::ATTEMPT), got.header(header::CODE)), (None, None));
    assert_eq!(got.header(header::RESUMED).as_deref(), Some("true"));
    let parent = got.header(header::TRACEPARENT).unwrap();
    assert!(parent.starts_with("00-0af7651916cd43dd8448eb211c80319c-"), "{parent}");
    // Its lane is no more: it goes to the one that the clinic is in.
    let elsewhere = Again { lane: "gone".parse().unwrap(), ..again.clone() };
    assert_eq!(outbox.send(elsewhere).await, Ok(()));
    let got = f.peek.get("eligibility.north").await.unwrap();
    assert_eq!(got.header(header::LANE).as_deref(), Some("north"));
    let stranger = Again { lane: "gone".parse().unwrap(), clinic: None, ..again.clone() };
    assert_eq!(outbox.send(stranger).await, Ok(()));
    assert_eq!(f.peek.ready("eligibility.default").await, 1);
    f.peek.delete_queue("eligibility.north").await;
    assert_eq!(outbox.send(again).await, Err(NotSent::NoQueue));
    f.boot.close().await;
}
