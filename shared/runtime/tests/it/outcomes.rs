//! What becomes of a delivery, outcome by outcome.

use std::sync::atomic::Ordering;

use domain::{
    Code, Settled,
    envelope::{Envelope, Message},
    hop::{Event, Transition},
};
use runtime::amqp::header;

use crate::support::{Act, CANARY, Note, fixture, fixture_with};

#[tokio::test]
async fn emit_goes_on_in_its_lane_with_its_properties() {
    let f = fixture().await;
    let running = f.run();
    let id = f.publish("clinic-n", CANARY, Act::Emit).await;
    let got = f.take("ehr-writer.north").await;
    assert!(!got.has_clear(CANARY));
    let message = f.open(&got);
    assert_eq!((message.secret.expose().text.as_str(), message.secret.expose().attempt), (CANARY, 1));
    assert_eq!(got.routing_key, "clinic.clinic-n");
    assert_eq!(got.properties.kind().as_ref().unwrap().as_str(), "test.onward.v1");
    assert_eq!(got.properties.delivery_mode(), &Some(2));
    assert_eq!(got.properties.app_id().as_ref().unwrap().as_str(), "eligibility");
    assert_eq!(
        got.properties.correlation_id().as_ref().unwrap().as_str(),
        message.meta.correlation.to_string()
    );
    assert_ne!(
        got.properties.message_id().as_ref().unwrap().as_str(),
        id.to_string(),
        "a hand-off of its own"
    );
    assert_eq!(got.header(header::CLINIC).as_deref(), Some("clinic-n"));
    assert_eq!(got.header(header::LANE).as_deref(), Some("north"));
    let rows = f.rows.all();
    assert_eq!((rows.len(), rows[0].event, rows[0].message), (1, Event::Emitted, id));
    assert_eq!(rows[0].submission.as_ref(), Some(&message.meta.submission));
    assert_eq!(rows[0].facts.patient.as_deref(), Some("p-1"));
    assert_eq!(f.peek.ready("eligibility.north").await, 0);
    f.stop(running).await;
}

#[tokio::test]
async fn a_clinic_in_no_lane_goes_through_default() {
    let f = fixture().await;
    let running = f.run();
    f.publish("clinic-x", "x", Act::Emit).await;
    assert_eq!(f.open(&f.take("ehr-writer.default").await).secret.expose().text, "x");
    f.stop(running).await;
}

#[tokio::test]
async fn done_and_hold_end_here() {
    let f = fixture().await;
    let running = f.run();
    f.publish("clinic-n", "done", Act::Done).await;
    f.publish("clinic-n", CANARY, Act::Hold).await;
    f.until(async || f.rows.all().len() == 2).await;
    let mut rows = f.rows.all();
    rows.sort_by_key(|row| row.event.as_str());
    assert!(matches!(&rows[0].transition, Some(Transition::Hold { code: Code::DoubtfulMatch, field: None })));
    let parked = Envelope::from_slice(rows[0].parked.as_ref().unwrap()).unwrap();
    let message: Message<Note> = parked.open(&f.keys()).unwrap();
    assert_eq!(message.secret.expose().text, CANARY);
    assert_eq!(rows[1].transition, Some(Transition::Settle(Settled::Completed)));
    assert_eq!(f.peek.ready("ehr-writer.north").await, 0);
    f.stop(running).await;
}

#[tokio::test]
async fn a_snooze_comes_back_and_burns_no_attempt() {
    let f = fixture().await;
    let running = f.run();
    let id = f.publish("clinic-n", "later", Act::SnoozeOnce).await;
    let onward = f.open(&f.take("ehr-writer.north").await);
    assert_eq!(onward.secret.expose().attempt, 1);
    assert_eq!(f.toy.seen("later"), 2);
    assert_eq!(f.rows.events(), [Event::Snoozed, Event::Emitted]);
    assert!(f.rows.all().iter().all(|row| row.message == id), "still the same hand-off");
    f.stop(running).await;
}

#[tokio::test]
async fn a_transient_fault_is_tried_again() {
    let f = fixture().await;
    let running = f.run();
    f.publish("clinic-n", "again", Act::FailUpTo(1)).await;
    assert_eq!(f.open(&f.take("ehr-writer.north").await).secret.expose().attempt, 2);
    assert_eq!(f.rows.events(), [Event::Retried, Event::Emitted]);
    assert_eq!(f.rows.all()[0].code, Some(Code::EhrUnavailable));
    f.stop(running).await;
}

#[tokio::test]
async fn to_be_throttled_is_no_attempt() {
    let f = fixture_with("[retry]\nattempts = 1").await;
    let running = f.run();
    f.publish("clinic-n", "slowly", Act::ThrottledOnce).await;
    assert_eq!(f.open(&f.take("ehr-writer.north").await).secret.expose().attempt, 1);
    f.stop(running).await;
}

#[tokio::test]
async fn each_clinic_has_its_own_last_attempt() {
    let f = fixture_with("[retry]\nattempts = 2").await;
    f.limits.set("clinic-n", 1);
    f.limits.set("clinic-x", 3);
    let running = f.run();
    let attempts_of = async |clinic: &str, queue: &str| {
        f.publish(clinic, clinic, Act::FailUpTo(99)).await;
        f.take(queue).await.header(header::ATTEMPT)
    };
    assert_eq!(attempts_of("clinic-n", "eligibility.north.dlq").await.as_deref(), Some("1"));
    assert_eq!(attempts_of("clinic-x", "eligibility.default.dlq").await.as_deref(), Some("3"));
    assert_eq!(attempts_of("clinic-y", "eligibility.default.dlq").await.as_deref(), Some("2"), "the rest");
    f.stop(running).await;
}

#[tokio::test]
async fn the_last_attempt_and_a_permanent_fault_end_in_the_dead_letters() {
    let f = fixture_with("[retry]\nattempts = 2").await;
    let running = f.run();
    f.publish("clinic-n", CANARY, Act::FailUpTo(99)).await;
    let got = f.take("eligibility.north.dlq").await;
    assert!(!got.has_clear(CANARY));
    assert_eq!(got.header(header::CODE).as_deref(), Some("ehr_unavailable"));
    assert_eq!(got.header(header::ATTEMPT).as_deref(), Some("2"));
    assert!(got.header(header::FIRST_FAILED_AT).is_some());

    f.publish("clinic-n", CANARY, Act::Permanent).await;
    let got = f.take("eligibility.north.dlq").await;
    assert_eq!(got.header(header::CODE).as_deref(), Some("ehr_rejected"));
    assert_eq!(got.header(header::FIELD).as_deref(), Some("patient.given"));
    assert_eq!(got.header(header::STAGE).as_deref(), Some("eligibility"));
    assert_eq!(got.header(header::FINGERPRINT).as_deref(), Some("eligibility/ehr_rejected/patient.given/-"));
    assert!(got.header(header::DIED_AT).is_some());
    assert_eq!(got.routing_key, "eligibility.north", "where a replay puts it");
    let note: Message<Note> = got.envelope().open(&f.keys()).unwrap();
    assert_eq!(note.secret.expose().text, CANARY);
    f.until(async || f.rows.all().len() == 3).await;
    let last = f.rows.all().pop().unwrap();
    assert!(matches!(last.transition, Some(Transition::Die { code: Code::EhrRejected, .. })));
    f.stop(running).await;
}

#[tokio::test]
async fn a_panic_is_a_dead_letter_and_the_messages_behind_it_go_on() {
    let f = fixture().await;
    let running = f.run();
    f.publish("clinic-n", CANARY, Act::Panic).await;
    f.publish("clinic-n", "behind", Act::Emit).await;
    assert_eq!(f.open(&f.take("ehr-writer.north").await).secret.expose().text, "behind");
    let got = f.take("eligibility.north.dlq").await;
    assert_eq!(got.header(header::CODE).as_deref(), Some("handler_panic"));
    assert!(!got.has_clear(CANARY));
    f.stop(running).await;
}

#[tokio::test]
async fn nothing_is_acknowledged_while_the_store_is_down() {
    let f = fixture().await;
    f.rows.down.store(true, Ordering::Relaxed);
    let running = f.run();
    f.publish("clinic-n", "kept", Act::Done).await;
    f.until(async || f.boot.metrics().store_retries.get() >= 2).await;
    assert_eq!(f.boot.metrics().in_flight.get(), 1, "in hand, unacknowledged");
    f.rows.down.store(false, Ordering::Relaxed);
    f.until(async || f.rows.all().len() == 1 && f.boot.metrics().in_flight.get() == 0).await;
    assert_eq!(f.toy.seen("kept"), 1, "only the row was repeated");
    f.stop(running).await;
}

#[tokio::test]
async fn a_stop_while_the_store_is_down_gives_the_delivery_back() {
    let f = fixture().await;
    f.rows.down.store(true, Ordering::Relaxed);
    let running = f.run();
    f.publish("clinic-n", "kept", Act::Done).await;
    f.until(async || f.boot.metrics().store_retries.get() >= 1).await;
    f.boot.shutdown().soft().cancel();
    running.await.unwrap().unwrap();
    f.until(async || f.peek.ready("eligibility.north").await == 1).await;
    assert!(f.rows.all().is_empty());
}

#[tokio::test]
async fn what_would_die_in_doubt_is_held_for_a_person() {
    let f = fixture_with("[retry]\nattempts = 2").await;
    let running = f.run();
    // At its last attempt, and of a permanent fault.
    for (act, events) in [
        (Act::Doubt(99), &[Event::Retried, Event::Held][..]),
        (Act::Doubt(1), &[Event::Retried, Event::Held]),
    ] {
        let before = f.rows.all().len();
        f.publish("clinic-n", CANARY, act).await;
        f.until(async || f.rows.all().len() == before + 2).await;
        let rows = f.rows.all().split_off(before);
        assert_eq!(rows.iter().map(|row| row.event).collect::<Vec<_>>(), events);
        assert!(matches!(rows[1].transition, Some(Transition::Hold { code: Code::EhrParked, field: None })));
        assert!(rows[1].parked.is_some());
    }
    assert_eq!(f.peek.ready("eligibility.north.dlq").await, 0);
    f.stop(running).await;
}
