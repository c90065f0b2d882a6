//! Submissions by anything that names them.

use axum::http::StatusCode;
use domain::{blind::IndexKey, matching::person::Contact};
use ops::access::Role;
use serde_json::{Value, json};

use crate::{
    answering::look,
    support::{Answer, Api, INDEX_KEY, TestRecords, token},
};

async fn look_up(api: &Api, role: Role, body: &Value) -> Answer {
    api.call(Some(&token(role)), "POST", "/v1/look-ups", &body.to_string()).await
}

#[tokio::test]
async fn one_match_comes_with_its_life_and_several_to_choose_from() {
    let api = Api::open(TestRecords::default());
    insta::assert_json_snapshot!("traced", look(&api, "/v1/traces/s-1").await.json());
    let several = look(&api, "/v1/traces/several").await.json();
    assert_eq!((several["matches"].as_array().map(Vec::len), &several["more"]), (Some(50), &json!(true)));
    assert_eq!((several.get("admission"), &several["matches"][0]["by"]), (None, &json!("message")));
    assert_eq!(look(&api, "/v1/traces/s-1?clinic=clinic-01").await.status, StatusCode::OK);
    for (path, code) in [
        ("/v1/traces/nothing", "unknown_submission"),
        ("/v1/traces/s-1?clinic=clinic-02", "unknown_submission"),
        ("/v1/traces/Jane%20Doe", "unknown_submission"),
        ("/v1/traces/%2B12025550150", "unknown_submission"),
        ("/v1/traces/%ff", "unknown_submission"),
        ("/v1/traces/s-1?clinic=A", "invalid_request"),
        ("/v1/traces/s-1?phone=2025550150", "invalid_request"),
    ] {
        assert_eq!(look(&api, path).await.json()["code"], code, "{path}");
    }
}

#[tokio::test]
async fn a_person_is_looked_up_by_index_for_a_purpose() {
    let records = TestRecords::default();
    let asked = records.asked.clone();
    let api = Api::open(records);
    let wanted = json!({"phone": "(202) 555-0150", "purpose": " the patient calls "});
    let answer = look_up(&api, Role::Auditor, &wanted).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(
        (&answer.json()["matches"][0]["by"], &answer.json()["matches"][0]["submission_id"]),
        (&json!("phone"), &json!("s-1"))
    );
    let wanted = json!({"email": "Ada@Example.com", "clinic": "clinic-07", "purpose": "the patient calls"});
    assert_eq!(look_up(&api, Role::Operator, &wanted).await.json()["matches"][0]["by"], "email");
    let asked = asked.lock().unwrap().clone();
    let key = IndexKey::new(&INDEX_KEY);
    let index = Contact::phone("2025550150").unwrap().index(&"clinic-01".parse().unwrap(), &key);
    assert!(asked[0].contains(&format!("{index:?}")) && asked[0].contains("clinic-01"), "{asked:?}");
    assert!(asked[0].contains("the-auditor") && asked[0].contains("\"the patient calls\""), "{asked:?}");
    assert!(asked[1].contains("clinic-07") && !asked[1].contains("clinic-01"), "{asked:?}");
    assert!(asked.iter().all(|one| !one.contains("2025550150") && !one.contains("xample")), "{asked:?}");
    for role in [Role::Viewer, Role::Approver] {
        assert_eq!(look_up(&api, role, &wanted).await.status, StatusCode::FORBIDDEN);
    }
}

#[tokio::test]
async fn what_cannot_be_looked_up_is_refused_and_never_quoted() {
    let api = Api::open(TestRecords::default());
    let long = "x".repeat(501);
    for (wanted, field) in [
        (json!({"phone": "2025550150"}), "body"),
        (json!({"phone": "2025550150", "email": "ada@example.com", "purpose": "x"}), "body"),
        (json!({"purpose": "x"}), "body"),
        (json!({"phone": "ada okafor", "purpose": "x"}), "phone"),
        (json!({"email": "2025550150", "purpose": "x"}), "email"),
        (json!({"phone": "2025550150", "purpose": " "}), "purpose"),
        (json!({"phone": "2025550150", "purpose": long}), "purpose"),
        (json!({"phone": "2025550150", "purpose": "x", "clinic": "Ada Okafor"}), "clinic"),
        (json!({"phone": "2025550150", "purpose": "x", "name": "ada okafor"}), "body"),
    ] {
        let answer = look_up(&api, Role::Operator, &wanted).await;
        let text = answer.text.clone().unwrap();
        assert_eq!(
            (answer.status, &answer.json()["field"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!(field)),
            "{text}"
        );
        assert!(
            !text.contains("okafor") && !text.contains("Okafor") && !text.contains("2025550150"),
            "{text}"
        );
    }
    let nobody = json!({"email": "nobody@example.com", "clinic": "clinic-02", "purpose": "x"});
    assert_eq!(look_up(&api, Role::Operator, &nobody).await.json()["code"], "unknown_submission");
}

#[tokio::test]
async fn without_the_key_nobody_is_looked_up() {
    let api = Api::without_index(TestRecords::default());
    let wanted = json!({"phone": "2025550150", "purpose": "x"});
    let answer = look_up(&api, Role::Operator, &wanted).await;
    assert_eq!(
        (answer.status, &answer.json()["code"]),
        (StatusCode::NOT_IMPLEMENTED, &json!("no_index_key"))
    );
}
