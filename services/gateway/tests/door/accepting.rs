//! What is accepted, and what the line gets.

use std::collections::HashSet;

use axum::http::StatusCode;
use serde_json::json;

use crate::support::{Door, NOW, keyed, signed, submission, with};

#[tokio::test]
async fn a_full_submission_is_sealed_published_and_only_then_accepted() {
    let door = Door::open();
    let answer = door.send(keyed("/v1/intake/clinic-01", submission("s-1").to_string())).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.body);
    assert_eq!(answer.body["submission_id"], "s-1");
    assert_eq!(answer.body["status_url"], "https://intake.example.org/v1/submissions/s-1?clinic=clinic-01");
    assert_eq!(answer.body["correlation_id"], answer.header("x-correlation-id"));

    let raw = serde_json::to_string(&door.ingest.got.lock().unwrap()[0]).unwrap();
    assert!(!raw.contains("Canary"), "in clear: {raw}");
    let message = door.only_message();
    assert_eq!(message.secret.expose().form, json!({"LAST": "Canary-Smith"}));
    assert_eq!(message.meta.source.as_str(), "kiosk");
    assert_eq!(message.meta.submitted_at.to_string(), "2027-01-07T09:02:39Z");
    assert_eq!(message.meta.received_at.as_second(), NOW);
    assert_eq!(message.meta.correlation.to_string(), answer.header("x-correlation-id"));
}

#[tokio::test]
async fn a_bare_form_is_named_by_key_then_webhook_then_hash() {
    let form = r#"{"q3_fullName":{"last":"Canary"}}"#;
    for (path, version) in [("/v1/intake/clinic-02", "1"), ("/v1/intake/clinic-02/7", "7")] {
        let door = Door::open();
        let answer = door.send(with(signed(path, "msg_1", form), "idempotency-key", "\"key-1\"")).await;
        assert_eq!((answer.status, &answer.body["submission_id"]), (StatusCode::ACCEPTED, &json!("key-1")));
        let message = door.only_message();
        assert_eq!(message.secret.expose().form_version, version);
        assert_eq!(message.secret.expose().form.to_string(), form);
        assert_eq!(message.meta.submitted_at.as_second(), NOW);

        let door = Door::open();
        let answer = door.send(signed(path, "msg_1", form)).await;
        assert_eq!(answer.body["submission_id"], "msg_1");
    }
    let hashes: Vec<_> = {
        let door = Door::open();
        let mut out = Vec::new();
        for body in [form, form, "{}"] {
            let answer = door.send(keyed("/v1/intake/clinic-01/1", body)).await;
            out.push(answer.body["submission_id"].as_str().unwrap().to_owned());
        }
        let got = door.ingest.got.lock().unwrap();
        let different: HashSet<_> = got.iter().map(|one| &one.meta.submission).collect();
        assert_eq!(different.len(), 2, "the same body is the same submission");
        out
    };
    assert_eq!(hashes[0], hashes[1]);
    assert_ne!(hashes[0], hashes[2]);
    assert_eq!(hashes[0].len(), 64);
}

#[tokio::test]
async fn the_api_key_is_read_from_either_header() {
    let door = Door::open();
    let mut request = keyed("/v1/intake/clinic-01", submission("s-1").to_string());
    request.headers_mut().remove("x-api-key");
    let answer = door.send(with(request, "authorization", "Bearer kiosk-key-1")).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn the_database_is_not_asked() {
    let door = Door::open();
    assert!(door.standings.0.lock().unwrap().is_none(), "the fake database is down");
    let answer = door.send(keyed("/v1/intake/clinic-01", submission("s-1").to_string())).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
}
