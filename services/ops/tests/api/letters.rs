//! Dead letters.

use axum::http::StatusCode;
use serde_json::json;

use crate::{
    answering::look,
    support::{Api, TestRecords},
};

const ADMITTED: &str = "00000000-0000-0000-0000-000000000001";
const POISON: &str = "00000000-0000-0000-0000-000000000002";

#[tokio::test]
async fn groups_pages_and_letters_are_shown() {
    let api = Api::open(TestRecords::default());
    insta::assert_json_snapshot!("letter_groups", look(&api, "/v1/dead-letters/groups").await.json());
    insta::assert_json_snapshot!("letters", look(&api, "/v1/dead-letters").await.json());
    let shown = look(&api, &format!("/v1/dead-letters/{ADMITTED}")).await.json();
    assert_eq!(shown["fingerprint"], "ehr-writer/ehr_rejected/patient.given/clinic-01@1");
    assert_eq!(shown["admission"]["state"], "held");
    assert_eq!(shown["admission"]["timeline"][0]["stage"], "ehr-writer");
    assert_eq!(shown["admission"]["effects"][0]["state"], "rejected");
    insta::assert_json_snapshot!("edits", shown["edits"]);
    let poison = look(&api, &format!("/v1/dead-letters/{POISON}")).await.json();
    assert_eq!((&poison["id"], poison.get("admission")), (&json!(POISON), None));
    assert_eq!(poison.get("edits"), None, "nobody has edited it");
    assert_eq!((&poison["crash"]["deaths"], shown.get("crash")), (&json!(2), None));
    for unknown in ["00000000-0000-0000-0000-000000000009", "Jane%20Doe", "%ff"] {
        let answer = look(&api, &format!("/v1/dead-letters/{unknown}")).await;
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (StatusCode::NOT_FOUND, &json!("unknown_letter"))
        );
    }
}

#[tokio::test]
async fn dead_letters_are_selected() {
    let records = TestRecords::default();
    let asked = records.asked.clone();
    let api = Api::open(records);
    let query = "clinic=clinic-01&stage=ehr-writer&lane=north&code=ehr_rejected&fingerprint=a%2Fb&since=2027-01-01T00:00:00Z";
    look(&api, &format!("/v1/dead-letters?{query}&after={ADMITTED}&limit=7")).await;
    look(&api, &format!("/v1/dead-letters/groups?{query}")).await;
    let asked = asked.lock().unwrap().clone();
    assert!(asked[0].starts_with(&asked[1]) && asked[0].ends_with(" 7"), "{asked:?}");
    for part in ["clinic-01", "EhrWriter", "north", "EhrRejected", "a/b", "2027-01-01", ADMITTED] {
        assert!(asked[0].contains(part), "{part} in {asked:?}");
    }
    for (query, field) in [
        ("?clinic=A", "clinic"),
        ("?stage=x", "stage"),
        ("?lane=A", "lane"),
        ("?code=x", "code"),
        ("?since=yesterday", "query"),
        ("?after=x", "after"),
        ("?limit=0", "limit"),
        ("?limit=501", "limit"),
        ("?order=x", "query"),
        ("/groups?limit=5", "query"),
        ("/groups?code=x", "code"),
    ] {
        let answer = look(&api, &format!("/v1/dead-letters{query}")).await;
        let expected = (StatusCode::UNPROCESSABLE_ENTITY, &json!(field));
        assert_eq!((answer.status, &answer.json()["field"]), expected, "{query}");
    }
}
