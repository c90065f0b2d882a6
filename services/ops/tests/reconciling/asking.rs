//! What the API takes, and what it refuses.

use std::sync::Arc;

use axum::{
    body::{Body, to_bytes},
    http::Request,
};
use ops::{App, names::Names, ports::NoQueues, router, silence::Silences, tokens::Tokens};
use runtime::topology::Lanes;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::support::Desk;

const TOKENS: &str = r#"
[[token]]
name = "on-call"
roles = ["viewer", "operator"]
# printf operator-token | sha256sum
sha256 = "0850123315d21ab90f4f7236408a52ef6dbd6a02a6550e5c10dc73f4d993680e"
"#;

async fn call(desk: &Desk, (method, path): (&str, &str), body: &Value) -> (u16, Value) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tokens.toml");
    std::fs::write(&file, TOKENS).unwrap();
    let names =
        Names { lanes: Lanes::default().names().cloned().collect(), clinics: None, ehrs: None, payers: None };
    let app = App {
        tokens: Tokens::load(&file).unwrap(),
        records: Arc::new(desk.store().clone()),
        queues: Arc::new(NoQueues),
        names,
        clock: desk.clock.clone(),
        decided: Arc::default(),
        replay: None,
        index: None,
        reconciler: Some(desk.reconciler.clone()),
        silences: Silences::default(),
    };
    let request =
        Request::builder().method(method).uri(path).header("authorization", "Bearer operator-token");
    let request = request.header("content-type", "application/json").body(Body::from(body.to_string()));
    let response = router(Arc::new(app)).oneshot(request.unwrap()).await.unwrap();
    let status = response.status().as_u16();
    let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap())
}

#[tokio::test]
async fn a_day_is_compared_listed_and_shown() {
    let desk = Desk::new().await;
    desk.admit(1, "2026-11-22T17:00:00Z").await;
    let all = ("POST", "/v1/reconciliations");
    let sent = json!([{"clinic": "clinic-01", "source": "web_form", "count": 3}]);
    let (status, run) = call(&desk, all, &json!({"date": "2026-11-22", "sent": sent})).await;
    assert_eq!((status, &run["actor"], &run["daily"]), (201, &json!("on-call"), &json!(false)));
    let kinds: Vec<&str> =
        run["differences"].as_array().unwrap().iter().map(|row| row["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["lost", "overdue"]);
    assert!(run["differences"].as_array().unwrap().iter().all(|row| row["advice"].is_string()), "{run}");
    let path = format!("/v1/reconciliations/{}", run["id"].as_str().unwrap());
    assert_eq!(call(&desk, ("GET", &path), &json!(null)).await, (200, run.clone()));
    let (_, listed) = call(&desk, ("GET", "/v1/reconciliations"), &json!(null)).await;
    assert_eq!((&listed[0]["id"], listed[0]["differences"].as_array().unwrap().len()), (&run["id"], 2));

    let redrive = format!("{path}/redrive");
    assert_eq!(call(&desk, ("POST", &redrive), &json!({"reason": " "})).await.1["field"], "reason");
    let (status, done) = call(&desk, ("POST", &redrive), &json!({"reason": "stuck"})).await;
    // The fake's queues tell nothing: the message may wait in any.
    assert_eq!((status, &done["redriven"], &done["left"][0]["why"]), (200, &json!([]), &json!("may_wait")));
}

#[tokio::test]
async fn what_cannot_be_compared_is_refused_by_its_name() {
    let desk = Desk::new().await;
    let sent = |clinic: &str, source: &str| json!([{"clinic": clinic, "source": source, "count": 1}]);
    for (body, field) in [
        (json!({}), "body"),
        (json!({"date": "2026-11-22", "tyop": 1}), "body"),
        (json!({"date": "2026-11-24"}), "date"),
        (json!({"date": "0001-01-01"}), "date"),
        (json!({"date": "2026-11-22", "clinic": "clinic-99"}), "clinic"),
        (json!({"date": "2026-11-22", "sent": sent("clinic-99", "web_form")}), "sent"),
        (json!({"date": "2026-11-22", "sent": sent("clinic-01", "Zelda")}), "sent"),
    ] {
        let (status, problem) = call(&desk, ("POST", "/v1/reconciliations"), &body).await;
        assert_eq!((status, &problem["field"]), (422, &json!(field)), "{body}");
    }
    for id in ["00000000-0000-0000-0000-000000000000", "Zelda"] {
        let (status, problem) =
            call(&desk, ("GET", &format!("/v1/reconciliations/{id}")), &json!(null)).await;
        assert_eq!((status, &problem["code"]), (404, &json!("unknown_reconciliation")));
    }
}
