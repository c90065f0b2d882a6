//! What the API answers.

use axum::http::StatusCode;
use ops::{access::Role, problem::Refusal};
use serde_json::{Value, json};

use crate::support::{Answer, Api, TestRecords, token};

pub(crate) async fn look(api: &Api, path: &str) -> Answer {
    api.call(Some(&token(Role::Viewer)), "GET", path, "").await
}

#[tokio::test]
async fn outcomes_are_streamed_to_the_last_row() {
    let answer = look(&Api::open(TestRecords::default()), "/v1/outcomes").await;
    assert_eq!(answer.headers["content-type"], "application/x-ndjson");
    let text = answer.text.unwrap();
    let rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), 3);
    assert_eq!(
        rows[0],
        json!({"submission_id": "s-1", "clinic_id": "clinic-01", "state": "rejected",
               "code": "missing_field", "field": "patient.given", "notified": []})
    );
}

#[tokio::test]
async fn outcomes_are_selected() {
    let records = TestRecords::default();
    let asked = records.asked.clone();
    let api = Api::open(records);
    look(&api, "/v1/outcomes?clinic=clinic-01&state=held&from=2027-01-01T00:00:00Z").await;
    let first = asked.lock().unwrap()[0].clone();
    assert!(first.contains("clinic-01") && first.contains("Held") && first.contains("2027-01-01"), "{first}");
    for (query, field) in
        [("clinic=A", "clinic"), ("state=lost", "state"), ("from=x", "query"), ("order=x", "query")]
    {
        let answer = look(&api, &format!("/v1/outcomes?{query}")).await;
        assert_eq!(
            (answer.status, &answer.json()["field"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!(field))
        );
    }
}

#[tokio::test]
async fn half_of_the_outcomes_is_not_taken_for_all() {
    let answer =
        look(&Api::open(TestRecords { pages: Some(2), ..TestRecords::default() }), "/v1/outcomes").await;
    assert_eq!((answer.status, answer.text), (StatusCode::OK, None), "cut");
    let answer =
        look(&Api::open(TestRecords { pages: Some(0), ..TestRecords::default() }), "/v1/outcomes").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn a_submission_has_its_timeline() {
    let api = Api::open(TestRecords::default());
    let answer = look(&api, "/v1/submissions/s-1?clinic=clinic-01").await.json();
    insta::assert_json_snapshot!("submission", answer);
    for (path, code) in [
        ("/v1/submissions/s-2", "unknown_submission"),
        ("/v1/submissions/s-1?clinic=clinic-02", "unknown_submission"),
        ("/v1/submissions/Jane%20Doe", "unknown_submission"),
        ("/v1/submissions/%ff", "unknown_submission"),
        ("/v1/submissions/s-1?clinic=A", "invalid_request"),
    ] {
        assert_eq!(look(&api, path).await.json()["code"], code, "{path}");
    }
}

#[tokio::test]
async fn counts_and_status() {
    let api = Api::open(TestRecords::default());
    insta::assert_json_snapshot!("reconciliation", look(&api, "/v1/reconciliation").await.json());
    insta::assert_json_snapshot!("status", look(&api, "/v1/status").await.json());
}

#[tokio::test]
async fn without_the_database_every_address_says_so() {
    let api = Api::open(TestRecords { down: true, ..TestRecords::default() });
    for path in [
        "/v1/outcomes",
        "/v1/submissions/s-1",
        "/v1/reconciliation",
        "/v1/status",
        "/v1/switches",
        "/v1/acts",
        "/v1/dead-letters/groups",
        "/v1/dead-letters",
        "/v1/dead-letters/00000000-0000-0000-0000-000000000001",
        "/v1/traces/s-1",
        "/v1/holds",
        "/v1/holds/00000000-0000-0000-0000-000000000001",
    ] {
        let answer = look(&api, path).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert_eq!(answer.headers["content-type"], "application/problem+json");
        assert_eq!(answer.headers["retry-after"], "5");
        assert!(answer.json()["correlation_id"].is_string(), "{path}: the log names it");
    }
}

#[tokio::test]
async fn without_clinics_and_ehrs_nothing_is_compared() {
    let api = Api::open(TestRecords::default());
    let compare = api
        .call(Some(&token(Role::Operator)), "POST", "/v1/reconciliations", "{\"date\": \"2026-11-22\"}")
        .await;
    for answer in
        [compare, look(&api, "/v1/reconciliations").await, look(&api, "/v1/reconciliations/s-1").await]
    {
        assert_eq!((answer.status, &answer.json()["code"]), (StatusCode::CONFLICT, &json!("not_configured")));
    }
}

#[test]
fn the_documents_are_stable() {
    insta::assert_json_snapshot!(
        "problems",
        Refusal::ALL.iter().map(|refusal| refusal.problem()).collect::<Vec<_>>()
    );
}
