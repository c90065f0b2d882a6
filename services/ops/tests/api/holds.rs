//! What is held, and decisions about it.

use axum::http::StatusCode;
use ops::access::Role;
use serde_json::{Value, json};

use crate::{
    answering::look,
    support::{Answer, Api, TestRecords, token},
};

const HELD: &str = "/v1/holds/00000000-0000-0000-0000-000000000001";

async fn decide(api: &Api, path: &str, body: &Value) -> Answer {
    let path = format!("{path}/decide");
    api.call(Some(&token(Role::Operator)), "POST", &path, &body.to_string()).await
}

#[tokio::test]
async fn a_hold_tells_the_question_and_its_answers() {
    let records = TestRecords::default();
    let asked = records.asked.clone();
    let api = Api::open(records);
    let page = look(&api, "/v1/holds?clinic=clinic-01&stage=validation&code=doubtful_match&limit=1").await;
    let page = page.json();
    assert_eq!((&page["holds"][0]["code"], &page["next"]), (&json!("doubtful_match"), &json!(&HELD[10..])));
    let filter = asked.lock().unwrap()[0].clone();
    assert!(
        filter.contains("clinic-01") && filter.contains("Validation") && filter.contains("DoubtfulMatch"),
        "{filter}"
    );
    let hold = look(&api, HELD).await.json();
    assert_eq!(hold["answers"], json!(["same-person", "different-person", "close"]));
    assert_eq!(hold["rule"], "same-person PERSON, different-person or close");
    assert_eq!(hold["candidates"][0]["differs"], json!(["birth_date:typo"]));
    assert_eq!(hold["admission"]["timeline"][0]["stage"], "ehr-writer");
    for unknown in ["/v1/holds/00000000-0000-0000-0000-000000000009", "/v1/holds/Jane%20Doe", "/v1/holds/%ff"]
    {
        let answer = look(&api, unknown).await;
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (StatusCode::NOT_FOUND, &json!("unknown_hold")),
            "{unknown}"
        );
    }
    for (query, field) in [
        ("clinic=A", "clinic"),
        ("code=lost", "code"),
        ("stage=x", "stage"),
        ("limit=501", "limit"),
        ("x=y", "query"),
    ] {
        assert_eq!(look(&api, &format!("/v1/holds?{query}")).await.json()["field"], field, "{query}");
    }
}

#[tokio::test]
async fn a_decision_is_the_token_holders_and_what_goes_on_is_told_at_once() {
    let api = Api::open(TestRecords::default());
    let said = json!({"decision": "same-person", "names": "p-7", "reason": " same phone "});
    let answer = decide(&api, HELD, &said).await;
    assert_eq!(answer.status, StatusCode::OK);
    let ruling = json!({"admission_id": &HELD[10..], "decision": "same-person", "state": "in_flight"});
    assert_eq!(answer.json(), ruling);
    assert!(api.told().await, "it is published at once");
    let closed = decide(&api, HELD, &json!({"decision": "close", "reason": "gave up"})).await;
    assert_eq!(closed.json()["state"], "rejected");
    assert!(!api.told().await, "nothing goes on");
    let acts = look(&api, "/v1/acts").await.json();
    let told: Vec<_> = acts["acts"].as_array().unwrap().iter().map(|act| &act["reason"]).collect();
    assert_eq!(told, ["gave up", "same phone"]);
    assert_eq!(
        (&acts["acts"][0]["actor"], &acts["acts"][0]["what"]),
        (&json!("the-operator"), &json!("decided"))
    );
}

#[tokio::test]
async fn what_is_not_decided_so_is_refused_and_what_is_allowed_is_told() {
    let api = Api::open(TestRecords::default());
    let refused = decide(&api, HELD, &json!({"decision": "not-done", "reason": "x"})).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    let problem = refused.json();
    assert_eq!(problem["code"], "decision_not_allowed");
    assert_eq!(problem["detail"], "same-person PERSON, different-person or close");
    let unknown = "/v1/holds/00000000-0000-0000-0000-000000000009";
    let gone = decide(&api, unknown, &json!({"decision": "close", "reason": "x"})).await;
    assert_eq!((gone.status, &gone.json()["code"]), (StatusCode::NOT_FOUND, &json!("unknown_hold")));
    for (body, field) in [
        (json!({}), "body"),
        (json!({"decision": "close", "reason": "x", "more": 1}), "body"),
        (json!({"decision": "maybe", "reason": "x"}), "decision"),
        (json!({"decision": "close", "names": "p-7", "reason": "x"}), "names"),
        (json!({"decision": "same-person", "reason": "x"}), "names"),
        (json!({"decision": "same-person", "names": "Jane Doe", "reason": "x"}), "names"),
        (json!({"decision": "close", "reason": " "}), "reason"),
    ] {
        let answer = decide(&api, HELD, &body).await;
        assert_eq!(
            (answer.status, &answer.json()["field"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!(field)),
            "{body}"
        );
    }
    assert_eq!(look(&api, "/v1/acts").await.json(), json!({"acts": []}), "nothing was decided");
}
