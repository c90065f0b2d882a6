//! Every refusal: how it comes about, and its document.

use std::{collections::BTreeSet, convert::Infallible};

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use domain::CorrelationId;
use futures_util::stream;
use gateway::problem::{Kind, Refusal};
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Answer, Door, NOW, Paused, clinic, get, keyed, signed, submission, with};

const DOOR: &str = "/v1/intake/clinic-01";

fn full(change: impl FnOnce(&mut Value)) -> Request<Body> {
    let mut body = submission("s-1");
    change(&mut body);
    keyed(DOOR, body.to_string())
}

fn without(mut request: Request<Body>, header: &str) -> Request<Body> {
    request.headers_mut().remove(header);
    request
}

/// Requests that are refused whatever the gateway's state.
fn refused() -> Vec<(Kind, Request<Body>)> {
    let good = || keyed(DOOR, submission("s-1").to_string());
    let endless = stream::pending::<Result<Vec<u8>, Infallible>>();
    vec![
        (Kind::MalformedJson, keyed(DOOR, "{\"LAST\":\"Canary\"")),
        (Kind::NotUtf8, keyed(DOOR, &b"{\"LAST\":\"Canary\xff\"}"[..])),
        (Kind::DuplicateKey, keyed(DOOR, r#"{"LAST":"Canary","LAST":"Canary"}"#)),
        (Kind::TooDeep, keyed(DOOR, format!("{{\"a\":{}", "[".repeat(10_000)))),
        (Kind::InvalidIdempotencyKey, with(good(), "idempotency-key", "Canary Smith")),
        (Kind::InvalidWebhookId, signed(DOOR, "msg/1", "{}")),
        (Kind::Unauthorized, without(good(), "x-api-key")),
        (Kind::Unauthorized, with(good(), "x-api-key", "kiosk-key-2")),
        (Kind::Unauthorized, with(signed(DOOR, "msg_1", "{}"), "webhook-id", "msg_2")),
        (Kind::Unauthorized, with(good(), "webhook-signature", "v1,AAAA")),
        (
            Kind::StaleTimestamp,
            with(signed(DOOR, "msg_1", "{}"), "webhook-timestamp", &(NOW - 301).to_string()),
        ),
        (Kind::ClinicNotAllowed, keyed("/v1/intake/clinic-02", "{}")),
        (Kind::UnknownClinic, keyed("/v1/intake/clinic-99", "{}")),
        (Kind::UnknownClinic, keyed("/v1/intake/Canary%20Smith", "{}")),
        (Kind::UnknownClinic, keyed("/v1/intake/%ff", "{}")),
        (Kind::NotFound, keyed("/v2/intake/clinic-01", "{}")),
        (Kind::MethodNotAllowed, get(DOOR)),
        (Kind::BodyTimeout, keyed(DOOR, Body::from_stream(endless))),
        (Kind::TooLarge, keyed(DOOR, format!("{{\"a\":\"{}\"}}", "x".repeat(256 * 1024)))),
        (Kind::TooLarge, with(good(), "content-length", "262145")),
        (Kind::UnsupportedMediaType, with(good(), "content-type", "text/plain")),
        (Kind::UnsupportedMediaType, with(good(), "content-encoding", "gzip")),
        (Kind::UnsupportedMediaType, without(good(), "content-type")),
        (Kind::MissingField, full(|body| drop(body.as_object_mut().unwrap().remove("form")))),
        (Kind::InvalidField, full(|body| body["submitted_at"] = json!("Canary"))),
        (Kind::InvalidField, keyed("/v1/intake/clinic-01/Canary%20Smith", "{}")),
        (Kind::UnknownField, full(|body| body["Canary"] = json!(1))),
        (Kind::NotAnObject, keyed(DOOR, "[\"Canary\"]")),
        (Kind::ClinicMismatch, full(|body| body["clinic_id"] = json!("clinic-02"))),
        (Kind::SourceMismatch, full(|body| body["source"] = json!("web_form"))),
        (Kind::IdempotencyKeyMismatch, with(good(), "idempotency-key", "s-2")),
        (Kind::StoreUnavailable, get("/v1/submissions/s-1")),
        (Kind::UnknownSubmission, get("/v1/submissions/Canary%20Smith")),
        (Kind::UnknownClinic, get("/v1/submissions/s-1?clinic=clinic-99")),
        (Kind::ClinicNotAllowed, get("/v1/submissions/s-1?clinic=clinic-02")),
    ]
}

/// Holds an answer against its kind: status, type, retry, and no word of the request.
fn check(kind: Kind, answer: &Answer) {
    assert_eq!(answer.code(), kind.code(), "{answer:?}");
    assert_eq!(answer.status.as_u16(), kind.status());
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(answer.body["status"], kind.status());
    assert_eq!(answer.body["type"], format!("urn:frontdesk:problem:{}", kind.code()));
    assert_eq!(answer.body["correlation_id"], answer.header("x-correlation-id"));
    assert_eq!(answer.headers.contains_key("retry-after"), kind.retry_after_s().is_some());
    assert!(!answer.body.to_string().contains("Canary"), "quotes the request: {}", answer.body);
}

#[tokio::test]
async fn each_refusal_comes_about() {
    let door = Door::open();
    let mut seen = BTreeSet::new();
    for (kind, request) in refused() {
        check(kind, &door.send(request).await);
        seen.insert(kind.code());
    }
    assert!(door.ingest.got.lock().unwrap().is_empty(), "a refused request was published");
    // These depend on what else happens: below, and in `retrying`. No request makes sealing fail.
    let elsewhere = [
        Kind::InFlight,
        Kind::WebhookIdReused,
        Kind::SubmissionConflict,
        Kind::TooManyRequests,
        Kind::Busy,
        Kind::ClinicPaused,
        Kind::BrokerUnavailable,
        Kind::CannotSeal,
    ];
    seen.extend(elsewhere.map(Kind::code));
    let all: BTreeSet<_> = Kind::ALL.iter().map(|kind| kind.code()).collect();
    assert_eq!(seen, all);
}

#[tokio::test]
async fn a_missing_field_is_named() {
    let door = Door::open();
    let answer = door.send(full(|body| drop(body.as_object_mut().unwrap().remove("submitted_at")))).await;
    assert_eq!(answer.body["field"], "submitted_at");
}

#[tokio::test]
async fn an_unknown_submission_is_not_found() {
    let door = Door::open();
    *door.standings.0.lock().unwrap() = Some(vec![]);
    check(Kind::UnknownSubmission, &door.send(get("/v1/submissions/s-1")).await);
}

#[tokio::test]
async fn a_paused_clinic_takes_nothing_and_another_does() {
    let door = Door::open();
    door.app.pauses.refresh(&Paused(clinic("clinic-01"))).await;
    let answer = door.send(keyed(DOOR, "{}")).await;
    check(Kind::ClinicPaused, &answer);
    assert_eq!(answer.header("retry-after"), "60");
    let other = door.send(signed("/v1/intake/clinic-02", "msg_1", "{}")).await;
    assert_eq!(other.status, StatusCode::ACCEPTED);
}

/// Starts requests that wait for the broker, until all have their places.
async fn occupy(
    door: &Door,
    requests: impl IntoIterator<Item = Request<Body>>,
    left: usize,
) -> Vec<tokio::task::JoinHandle<StatusCode>> {
    use tower::ServiceExt;
    door.ingest.pace.forget_permits(1000);
    let waiting = requests
        .into_iter()
        .map(|request| {
            let router = door.router.clone();
            tokio::spawn(async move { router.oneshot(request).await.unwrap().status() })
        })
        .collect();
    while door.app.places.available_permits() > left {
        tokio::task::yield_now().await;
    }
    // Each has its place; let each get as far as the broker.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    waiting
}

async fn release(door: &Door, waiting: Vec<tokio::task::JoinHandle<StatusCode>>) {
    door.ingest.pace.add_permits(1000);
    for one in waiting {
        assert_eq!(one.await.unwrap(), StatusCode::ACCEPTED);
    }
}

#[tokio::test]
async fn places_are_bounded_for_one_source_and_for_all() {
    let door = Door::with_places(3, 2);
    let kiosks = |n| keyed(DOOR, submission(&format!("s-{n}")).to_string());
    let waiting = occupy(&door, [kiosks(1), kiosks(2)], 1).await;
    check(Kind::TooManyRequests, &door.send(kiosks(3)).await);
    release(&door, waiting).await;
    let waiting = occupy(&door, [kiosks(4), kiosks(5), signed(DOOR, "msg_1", "{}")], 0).await;
    check(Kind::Busy, &door.send(signed(DOOR, "msg_2", "{}")).await);
    release(&door, waiting).await;
    assert_eq!(door.send(kiosks(3)).await.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn the_same_submission_in_flight_waits() {
    let door = Door::open();
    let request = || keyed(DOOR, submission("s-1").to_string());
    let waiting = occupy(&door, [request()], 15).await;
    check(Kind::InFlight, &door.send(request()).await);
    release(&door, waiting).await;
    door.only_message();
    assert_eq!(door.send(request()).await.status, StatusCode::ACCEPTED);
    door.one_submission(2);
}

#[tokio::test]
async fn the_documents_are_stable() {
    let mut documents = Vec::new();
    for kind in Kind::ALL {
        let response = Refusal::from(*kind).render(CorrelationId::from_uuid(Uuid::nil()));
        let headers: std::collections::BTreeMap<_, _> = response
            .headers()
            .iter()
            .filter(|(name, _)| *name != "content-length")
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        let body = axum::body::to_bytes(response.into_body(), 1 << 16).await.unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        documents.push(json!({ "headers": headers, "body": body }));
    }
    insta::assert_json_snapshot!("problems", documents);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the body, the answer is an acceptance or a problem, never a 500 and never a panic.
    #[test]
    fn arbitrary_bodies_never_panic(body: Vec<u8>, path in "/v1/intake/(clinic-01|[ -~]{0,12})(/[a-z0-9]{0,5})?") {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let Ok(uri) = path.parse::<axum::http::Uri>() else { return };
            let mut request = keyed(DOOR, body);
            *request.uri_mut() = uri;
            let answer = Door::open().send(request).await;
            assert!(answer.status == StatusCode::ACCEPTED || answer.status.is_client_error(), "{answer:?}");
        });
    }
}
