//! Pausing, resuming, and what is told of it.

use axum::http::StatusCode;
use ops::access::Role;
use serde_json::{Value, json};

use crate::support::{Answer, Api, TestRecords, token};

async fn look(api: &Api, path: &str) -> Answer {
    api.call(Some(&token(Role::Viewer)), "GET", path, "").await
}

async fn act(api: &Api, path: &str, body: &Value) -> Answer {
    api.call(Some(&token(Role::Operator)), "POST", path, &body.to_string()).await
}

#[tokio::test]
async fn a_scope_is_paused_by_the_holder_of_the_token_and_resumed() {
    let api = Api::open(TestRecords::default());
    // Ten minutes, twelve messages a minute, four on their way.
    let wish =
        json!({"scope": "clinic:clinic-01", "reason": " moving house ", "until": "2027-01-03T18:23:20Z"});
    let answer = act(&api, "/v1/switches", &wish).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    let pause = json!({"scope": "clinic:clinic-01", "actor": "the-operator", "reason": "moving house",
                       "since": "2027-01-03T18:13:20Z", "until": "2027-01-03T18:23:20Z"});
    let mut told = pause.clone();
    told["backlog"] = json!({"waiting": 4, "per_minute": 12.0, "projected": 124});
    assert_eq!(answer.json(), told);
    assert_eq!(look(&api, "/v1/switches").await.json(), json!([pause]));
    let resume =
        async || act(&api, "/v1/switches/clinic:clinic-01/resume", &json!({"reason": "there"})).await;
    let answer = resume().await;
    assert_eq!((answer.status, answer.json()), (StatusCode::OK, pause));
    assert_eq!(look(&api, "/v1/switches").await.json(), json!([]));
    let answer = resume().await;
    assert_eq!((answer.status, &answer.json()["code"]), (StatusCode::NOT_FOUND, &json!("not_paused")));
}

#[tokio::test]
async fn every_act_is_told_newest_first_and_page_by_page() {
    let records = TestRecords::default();
    let asked = records.asked.clone();
    let api = Api::open(records);
    act(&api, "/v1/switches", &json!({"scope": "ehr:main", "reason": "upgrade"})).await;
    act(&api, "/v1/switches/ehr:main/resume", &json!({"reason": "done"})).await;
    act(&api, "/v1/switches/ehr:main/resume", &json!({"reason": "to be sure"})).await;
    let row = |what: &str, reason: &str, outcome: &str| {
        json!({"at": "2027-01-03T18:13:20Z", "actor": "the-operator", "role": "operator", "what": what,
               "scope": "ehr:main", "reason": reason, "outcome": outcome})
    };
    let first = look(&api, "/v1/acts?limit=2&scope=ehr:main&what=resumed&actor=the-operator").await.json();
    let newest = json!([row("resumed", "to be sure", "nothing"), row("resumed", "done", "done")]);
    assert_eq!(first, json!({"acts": newest, "next": 2}));
    let filter = asked.lock().unwrap()[0].clone();
    assert!(
        filter.contains("ehr:main") && filter.contains("Resumed") && filter.contains("the-operator"),
        "{filter}"
    );
    let last = api.call(Some(&token(Role::Auditor)), "GET", "/v1/acts?limit=2&before=2", "").await.json();
    assert_eq!(last, json!({"acts": [row("paused", "upgrade", "done")]}));
    for (query, field) in
        [("what=lost", "what"), ("limit=0", "limit"), ("limit=1001", "limit"), ("order=x", "query")]
    {
        let answer = look(&api, &format!("/v1/acts?{query}")).await;
        assert_eq!(
            (answer.status, &answer.json()["field"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!(field))
        );
    }
}

#[tokio::test]
async fn wishes_that_cannot_be_fulfilled() {
    let api = Api::open(TestRecords::default());
    let operator = token(Role::Operator);
    let long = json!({"scope": "clinic:clinic-01", "reason": "x".repeat(501)}).to_string();
    let resume = "/v1/switches/clinic:clinic-01/resume";
    for (path, wish, field) in [
        ("/v1/switches", "", "body"),
        ("/v1/switches", "{}", "body"),
        ("/v1/switches", r#"{"scope": "clinic:clinic-01", "reason": "x", "forever": true}"#, "body"),
        ("/v1/switches", r#"{"scope": "everything", "reason": "x"}"#, "scope"),
        ("/v1/switches", r#"{"scope": "clinic:clinic-01", "reason": "  "}"#, "reason"),
        ("/v1/switches", r#"{"scope": "clinic:clinic-01", "reason": "a\u0000b"}"#, "reason"),
        ("/v1/switches", &long, "reason"),
        (
            "/v1/switches",
            r#"{"scope": "clinic:clinic-01", "reason": "x", "until": "2026-01-01T00:00:00Z"}"#,
            "until",
        ),
        (resume, "", "body"),
        (resume, r#"{"reason": ""}"#, "reason"),
        ("/v1/switches/everything/resume", r#"{"reason": "x"}"#, "scope"),
    ] {
        let answer = api.call(Some(&operator), "POST", path, wish).await;
        assert_eq!(
            (answer.status, &answer.json()["field"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!(field)),
            "{path} {wish}"
        );
    }
    assert_eq!(look(&api, "/v1/acts").await.json(), json!({"acts": []}), "nothing was done");
}

#[tokio::test]
async fn what_is_not_there_is_not_paused_and_what_is_there_is_listed() {
    let api = Api::open(TestRecords::default());
    for scope in ["clinic:clinic-99", "lane:south", "ehr:other", "messenger:pigeon"] {
        let answer = act(&api, "/v1/switches", &json!({"scope": scope, "reason": "x"})).await;
        assert_eq!((answer.status, &answer.json()["code"]), (StatusCode::NOT_FOUND, &json!("unknown_scope")));
    }
    // Which payers there are is not configured here: any is taken. Nobody knows what waits for it.
    let answer = act(&api, "/v1/switches", &json!({"scope": "payer:any", "reason": "x"})).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    assert_eq!(answer.json()["backlog"], json!({"waiting": null, "per_minute": null, "projected": null}));
    let listed = json!({"stage": ["validation", "eligibility", "ehr-writer", "notification"],
                        "lane": ["default"], "clinic": ["clinic-01"], "ehr": ["main"], "payer": null,
                        "messenger": ["email", "sms"]});
    assert_eq!(look(&api, "/v1/scopes").await.json(), listed);
}
