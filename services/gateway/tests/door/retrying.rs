//! Retries are harmless; what only looks like one is refused.

use std::sync::atomic::Ordering;

use axum::http::StatusCode;

use crate::support::{Door, NOW, keyed, signed, submission, with};

#[tokio::test]
async fn the_same_again_gets_the_same_answer_and_is_published_again() {
    let door = Door::open();
    let first = door.send(signed("/v1/intake/clinic-01", "msg_1", "{}")).await;
    let again = door.send(signed("/v1/intake/clinic-01", "msg_1", "{}")).await;
    assert_eq!((first.status, &first.body), (again.status, &again.body));
    // The broker may have lost what it had confirmed.
    door.one_submission(2);
    let counted = door.counted.0.lock().unwrap();
    let names: Vec<_> = counted.iter().map(|one| (one.submission.as_str(), one.clinic.as_str())).collect();
    assert_eq!(names, [("msg_1", "clinic-01"); 2], "a name that counts once");
    assert_eq!((counted[0].source.as_str(), counted[0].received_at.as_second()), ("web_form", NOW));
}

#[tokio::test]
async fn only_what_is_accepted_is_counted() {
    let door = Door::open();
    door.ingest.down.store(true, Ordering::Relaxed);
    let answer = door.send(signed("/v1/intake/clinic-01", "msg_1", "{}")).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(door.counted.0.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_resent_submission_with_a_new_time_is_the_same() {
    let door = Door::open();
    let first = door.send(keyed("/v1/intake/clinic-01", submission("s-1").to_string())).await;
    let mut body = submission("s-1");
    body["submitted_at"] = "2027-01-07T09:05:00Z".into();
    let again = door.send(keyed("/v1/intake/clinic-01", body.to_string())).await;
    assert_eq!((again.status, again.body), (StatusCode::ACCEPTED, first.body));
    door.one_submission(2);
}

#[tokio::test]
async fn every_gateway_tells_the_same_correlation_id() {
    let answers = [Door::open(), Door::open()]
        .map(async |door| door.send(keyed("/v1/intake/clinic-01", submission("s-1").to_string())).await.body);
    let [one, other] = answers;
    assert_eq!(one.await, other.await);
}

#[tokio::test]
async fn other_content_under_the_same_name_is_a_conflict() {
    let door = Door::open();
    door.send(keyed("/v1/intake/clinic-01", submission("s-1").to_string())).await;
    let mut other = submission("s-1");
    other["form"]["LAST"] = "Canary-Jones".into();
    let answer = door.send(keyed("/v1/intake/clinic-01", other.to_string())).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::UNPROCESSABLE_ENTITY, "submission_conflict"));
    // At another clinic it is another submission.
    let answer =
        door.send(with(signed("/v1/intake/clinic-02", "msg_1", "{}"), "idempotency-key", "s-1")).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn a_captured_request_cannot_become_another() {
    let door = Door::open();
    door.send(signed("/v1/intake/clinic-01", "msg_1", "{}")).await;
    for replay in [
        signed("/v1/intake/clinic-02", "msg_1", "{}"),
        signed("/v1/intake/clinic-01/2", "msg_1", "{}"),
        with(signed("/v1/intake/clinic-01", "msg_1", "{}"), "idempotency-key", "another"),
        signed("/v1/intake/clinic-01", "msg_1", r#"{"a":1}"#),
    ] {
        let answer = door.send(replay).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::CONFLICT, "webhook_id_reused"));
    }
    door.only_message();
}

#[tokio::test]
async fn what_the_broker_did_not_confirm_may_be_sent_again() {
    let door = Door::open();
    door.ingest.down.store(true, Ordering::Relaxed);
    let request = || keyed("/v1/intake/clinic-01", submission("s-1").to_string());
    let answer = door.send(request()).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::SERVICE_UNAVAILABLE, "broker_unavailable"));
    assert_eq!(answer.header("retry-after"), "5");
    door.ingest.down.store(false, Ordering::Relaxed);
    let again = door.send(request()).await;
    assert_eq!(again.status, StatusCode::ACCEPTED);
    assert_eq!(again.header("x-correlation-id"), answer.header("x-correlation-id"));
    door.only_message();
}
