use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::Value;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::{Test, body, header, patient, send};
use crate::sandbox::{Class, Commit, Fault, Interaction, Kind, LateAnswer, Rule};

fn on_create(fault: Fault) -> Rule {
    Rule::new(Class::Ehr, fault).on("Patient").at(Interaction::Create)
}

/// Waits until something is so, for a while.
async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let wait = async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait).await.expect(what);
}

/// Sends without waiting for the answer.
fn sent(request: RequestBuilder) -> JoinHandle<Result<Response, reqwest::Error>> {
    tokio::spawn(request.send())
}

/// A clock that moves when it is told to.
struct Clock(Mutex<Timestamp>);

impl Clock {
    fn forward(&self, milliseconds: i64) {
        *self.0.lock().expect("no panic") += SignedDuration::from_millis(milliseconds);
    }
}

impl domain::clock::Clock for Clock {
    fn now(&self) -> Timestamp {
        *self.0.lock().expect("no panic")
    }

    fn fresh_id(&self) -> Uuid {
        Uuid::nil()
    }
}

#[tokio::test]
async fn errors_and_cuts_come_before_or_after_the_commit() {
    for (commit, stored) in [(Commit::Before, 0), (Commit::After, 1)] {
        let test = Test::start().await;
        test.sandbox.set_faults(vec![on_create(Fault::Error { status: None, commit })]).expect("a rule");
        body(test.create("Patient", &patient("p1")), StatusCode::SERVICE_UNAVAILABLE).await;
        assert_eq!(test.sandbox.counts().patients, stored);

        let test = Test::start().await;
        test.sandbox.set_faults(vec![on_create(Fault::Cut { commit }).times(1)]).expect("a rule");
        assert!(test.create("Patient", &patient("p1")).send().await.is_err(), "the connection is reset");
        assert_eq!(test.sandbox.counts().patients, stored);
        body(test.create("Patient", &patient("p2")), StatusCode::CREATED).await;

        let test = Test::start().await;
        test.sandbox.set_faults(vec![on_create(Fault::Hang { commit, ms: 600_000 })]).expect("a rule");
        let hanging = sent(test.create("Patient", &patient("p1")));
        let arrived = || test.sandbox.writes(0).first().is_some_and(|write| write.committed == (stored == 1));
        until("the request's arrival", arrived).await;
        assert!(!hanging.is_finished(), "no answer comes");
        assert_eq!(test.sandbox.counts().patients, stored);

        let test = Test::start().await;
        test.sandbox.set_faults(vec![on_create(Fault::Garbage { commit })]).expect("a rule");
        let response = send(test.create("Patient", &patient("p1"))).await;
        assert!(response.status().is_success());
        assert!(serde_json::from_str::<Value>(&response.text().await.expect("a body")).is_err());
        assert_eq!(test.sandbox.counts().patients, stored);
    }
}

#[tokio::test]
async fn throttling_says_when_to_come_back() {
    let test = Test::start().await;
    let rule = on_create(Fault::Throttle { retry_after_s: Some(7) }).times(1);
    test.sandbox.set_faults(vec![rule]).expect("a rule");
    let response = send(test.create("Patient", &patient("p1"))).await;
    assert_eq!((response.status().as_u16(), header(&response, "retry-after")), (429, "7"));
    assert_eq!(test.sandbox.counts().patients, 0);
    body(test.create("Patient", &patient("p1")), StatusCode::CREATED).await;
    assert_eq!(test.sandbox.faults().injected["ehr.throttle"], 1);
}

#[tokio::test]
async fn unauthorized_strikes_once() {
    let test = Test::start().await;
    test.sandbox.set_faults(vec![Rule::new(Class::Ehr, Fault::Unauthorized).times(1)]).expect("a rule");
    let response = send(test.create("Patient", &patient("p1"))).await;
    assert_eq!(
        (response.status(), header(&response, "www-authenticate")),
        (StatusCode::UNAUTHORIZED, "Bearer")
    );
    body(test.create("Patient", &patient("p1")), StatusCode::CREATED).await;
}

#[tokio::test]
async fn a_late_commit_comes_after_the_answer() {
    for answer in [LateAnswer::Error, LateAnswer::Cut, LateAnswer::Hang] {
        let test = Test::start().await;
        let rule = on_create(Fault::LateCommit { after_ms: 50, answer }).times(1);
        test.sandbox.set_faults(vec![rule]).expect("a rule");
        let seen = sent(test.create("Patient", &patient("p1")));
        until("the late commit", || test.sandbox.counts().patients == 1).await;
        match answer {
            LateAnswer::Hang => assert!(!seen.is_finished()),
            LateAnswer::Cut => assert!(seen.await.expect("no panic").is_err()),
            LateAnswer::Error => {
                assert!(seen.await.expect("no panic").is_ok_and(|answer| answer.status().is_server_error()));
            }
        }
        let write = &test.sandbox.writes(0)[0];
        assert!(write.committed && write.committed_at > Some(write.arrived_at));
    }
}

#[tokio::test]
async fn a_reset_ends_what_is_still_to_come() {
    let test = Test::start().await;
    let rule = on_create(Fault::LateCommit { after_ms: 150, answer: LateAnswer::Error }).times(1);
    test.sandbox.set_faults(vec![rule]).expect("a rule");
    send(test.create("Patient", &patient("p1"))).await;
    test.sandbox.reset();
    // A commit of the same length that begins now is over later than the one that must not come.
    let rule = on_create(Fault::LateCommit { after_ms: 200, answer: LateAnswer::Error }).times(1);
    test.sandbox.set_faults(vec![rule]).expect("a rule");
    send(test.create("Patient", &patient("p2"))).await;
    until("the second commit", || test.sandbox.counts().patients > 0).await;
    assert_eq!(test.sandbox.counts().patients, 1);
    assert_eq!(test.sandbox.writes(0).len(), 1);
}

#[tokio::test]
async fn a_stale_search_sees_the_past() {
    let clock = Arc::new(Clock(Mutex::new(Timestamp::UNIX_EPOCH)));
    let ticking = Arc::clone(&clock);
    let test = Test::with(|config| config.clock = ticking).await;
    clock.forward(1_000);
    let mut slot = test.sandbox.contents(Kind::Slot)[0].clone();
    let path = format!("Slot/{}", slot["id"].as_str().expect("an id"));
    slot["status"] = "busy".into();
    body(test.put(&path, &slot), StatusCode::OK).await;
    body(test.create("Patient", &patient("p1")), StatusCode::CREATED).await;
    let stale = Rule::new(Class::Ehr, Fault::StaleSearch { lag_ms: 500 });
    test.sandbox.set_faults(vec![stale]).expect("a rule");
    let by_identifier = [("identifier", "urn:frontdesk:patient|p1")];
    assert_eq!(test.found("Slot", &[("status", "free")]).await["total"], 3);
    assert_eq!(test.found("Patient", &by_identifier).await["total"], 0);
    clock.forward(500);
    assert_eq!(test.found("Slot", &[("status", "free")]).await["total"], 2);
    assert_eq!(test.found("Patient", &by_identifier).await["total"], 1);
}

#[tokio::test]
async fn a_non_atomic_conditional_create_makes_duplicates() {
    let test = Test::start().await;
    test.sandbox.set_faults(vec![on_create(Fault::NonAtomic { window_ms: 1_000 })]).expect("a rule");
    let racers = (0..4).map(|_| {
        send(
            test.create("Patient", &patient("p1"))
                .header("if-none-exist", "identifier=urn:frontdesk:patient|p1"),
        )
    });
    futures_util::future::join_all(racers).await;
    assert!(test.sandbox.counts().patients > 1);
    // Without a race it still finds what is there.
    let test = Test::start().await;
    test.sandbox.set_faults(vec![on_create(Fault::NonAtomic { window_ms: 1 })]).expect("a rule");
    for status in [StatusCode::CREATED, StatusCode::OK] {
        let create = test.create("Patient", &patient("p1"));
        body(create.header("if-none-exist", "identifier=urn:frontdesk:patient|p1"), status).await;
    }
}

#[tokio::test]
async fn ignored_parameters_find_everything() {
    let test = Test::start().await;
    for identifier in ["p1", "p2"] {
        body(test.create("Patient", &patient(identifier)), StatusCode::CREATED).await;
    }
    for hide in [false, true] {
        let fault = Fault::IgnoreParameters { parameters: vec!["identifier".to_owned()], hide };
        test.sandbox.set_faults(vec![Rule::new(Class::Ehr, fault)]).expect("a rule");
        let bundle = test.found("Patient", &[("identifier", "nobody"), ("_count", "9")]).await;
        assert_eq!(bundle["total"], 2);
        let link = bundle["link"][0]["url"].as_str().unwrap_or_default();
        assert_eq!(link.contains("identifier"), hide);
        assert!(link.contains("_count=9"));
    }
}

#[tokio::test]
async fn slowness_delays_and_answers() {
    let test = Test::start().await;
    test.sandbox.set_faults(vec![on_create(Fault::Slow { ms: 20, jitter_ms: 20 })]).expect("a rule");
    body(test.create("Patient", &patient("p1")), StatusCode::CREATED).await;
    assert_eq!(test.sandbox.faults().injected["ehr.slow"], 1);
}

#[tokio::test]
async fn stopping_ends_requests_that_hang() {
    let test = Test::start().await;
    test.sandbox
        .set_faults(vec![on_create(Fault::Hang { commit: Commit::Before, ms: 600_000 })])
        .expect("a rule");
    let request = test.create("Patient", &patient("p1")).send();
    let hanging = tokio::spawn(request);
    until("the request's arrival", || !test.sandbox.writes(0).is_empty()).await;
    let url = test.url("metadata");
    test.sandbox.stop().await;
    assert!(hanging.await.expect("no panic").is_err());
    assert!(test.http.get(url).send().await.is_err(), "the listener is closed");
}
