//! Every status of the SMS provider.

use std::{sync::Arc, time::Duration};

use domain::clock::SystemClock;
use serde_json::json;

use crate::{
    messenger::{Messenger, SendOutcome, SmsConfig, conformance::notice},
    testserver::{Reply, TestServer, nobody},
};

fn sms(url: &str, timeout_ms: u64) -> Arc<dyn Messenger> {
    let config: SmsConfig = toml::from_str(&format!("url = \"{url}\"\ntimeout_ms = {timeout_ms}")).unwrap();
    config.connect(Arc::new(SystemClock)).unwrap()
}

#[tokio::test]
async fn each_status() {
    for (reply, expected) in [
        (201, SendOutcome::Sent { id: "m1".to_owned() }),
        (200, SendOutcome::Sent { id: "m1".to_owned() }),
        (400, SendOutcome::Refused),
        (401, SendOutcome::NotSent),
        (403, SendOutcome::NotSent),
        (404, SendOutcome::Refused),
        (408, SendOutcome::Unknown),
        (409, SendOutcome::Unknown),
        (422, SendOutcome::Refused),
        (429, SendOutcome::Throttled { after: Duration::from_secs(9) }),
        (500, SendOutcome::Unknown),
        (503, SendOutcome::Unknown),
    ] {
        let server = TestServer::answering(move || {
            Reply::json(reply, &json!({ "id": "m1" })).with("Retry-After", "9")
        })
        .await;
        let outcome = sms(&server.url("/sms"), 20_000).send(&notice("k1", "+12125550143")).await;
        assert_eq!(outcome, expected, "{reply}");
        let seen = server.last();
        assert_eq!(seen.header("idempotency-key"), Some("k1"));
        assert_eq!(
            seen.json(),
            json!({ "to": "+12125550143", "body": "Conformance Clinic – see you soon.", "idempotency_key": "k1" })
        );
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn lost_answers_and_lost_connections() {
    let send = async |reply: fn() -> Reply, timeout_ms| {
        let server = TestServer::answering(reply).await;
        sms(&server.url("/sms"), timeout_ms).send(&notice("k1", "+12125550143")).await
    };
    assert_eq!(send(|| Reply::Cut, 20_000).await, SendOutcome::Unknown);
    assert_eq!(send(|| Reply::Hang, 1_000).await, SendOutcome::Unknown);
    assert_eq!(send(|| Reply::CutBody { status: 201 }, 20_000).await, SendOutcome::Unknown);
    assert_eq!(send(|| Reply::text(201, "thanks"), 20_000).await, SendOutcome::Unknown);
    let outcome = sms(&nobody().await, 20_000).send(&notice("k1", "+12125550143")).await;
    assert_eq!(outcome, SendOutcome::NotSent);
}

#[tokio::test]
async fn conforms() {
    let server = TestServer::answering(|| Reply::json(201, &json!({ "id": "m1" }))).await;
    crate::messenger::conformance::run(sms(&server.url("/sms"), 20_000).as_ref(), "s", "+12125550143").await;
}
