//! Looking into a dead letter and correcting it, by the addresses of the API.

use domain::{Code, seal::Keyring};
use reqwest::{StatusCode, header::CACHE_CONTROL};
use serde_json::{Value, json};

use crate::{
    api::Api,
    dry::{bytes, template_failed},
    support::{Fixture, from_clear, submission},
};

/// In no answer but the revealed one, and in no row in clear.
const EMAIL: &str = "zebedee@example.com";
const OTHER: &str = "dougal@example.com";

async fn acts(f: &Fixture) -> Vec<String> {
    let sql = "SELECT concat_ws(' ', actor, role, what, outcome, scope, reason) FROM act ORDER BY seq";
    f.sql().await.query(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn a_field_is_shown_to_who_says_what_for_and_to_nobody_else() {
    let f = Fixture::new().await;
    let api = Api::up(&f).await;
    let mut form = submission("adult", "s-1");
    form["form"]["q7_email"] = json!(EMAIL);
    let dead = template_failed(&f, &form);
    let malformed = from_clear(b"{\"a\": ".to_vec(), &f.keys, Code::Malformed);
    let foreign = Keyring::new([("2020-01".to_owned(), vec![7; 32])]).unwrap();
    let shut = from_clear(bytes(&form), &foreign, Code::UnknownKey);
    for letter in [&dead, &malformed, &shut] {
        f.keep(letter).await;
    }
    let path = format!("/v1/dead-letters/{}/reveal", dead.id);
    let wanted = json!({"field": "patient.email", "purpose": "to call the patient"});
    let without = json!({"field": "patient.email"});
    let refused = api.post("operator-token", &path, &without).await;
    assert_eq!((refused.0, &refused.1["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("purpose_needed")));
    for (field, body) in [
        ("field", json!({"field": EMAIL, "purpose": "x"})),
        ("of", json!({"field": "reason", "of": "x", "purpose": "x"})),
        ("purpose", json!({"field": "reason", "purpose": " "})),
    ] {
        let (status, answer) = api.post("operator-token", &path, &body).await;
        assert_eq!((status, &answer["field"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!(field)));
        assert!(!answer.to_string().contains(EMAIL));
    }
    for (letter, code) in [(&malformed, "unreadable"), (&shut, "key_gone")] {
        let path = format!("/v1/dead-letters/{}/reveal", letter.id);
        let (status, answer) = api.post("operator-token", &path, &wanted).await;
        assert_eq!((status, &answer["code"]), (StatusCode::CONFLICT, &json!(code)));
    }
    assert!(acts(&f).await.is_empty(), "nobody has seen anything");

    let url = format!("{}{path}", api.url);
    let answer = api.client.post(&url).bearer_auth("operator-token").json(&wanted).send().await.unwrap();
    assert_eq!(
        (answer.status(), answer.headers()[CACHE_CONTROL].to_str().unwrap()),
        (StatusCode::OK, "no-store")
    );
    let shown: Value = answer.json().await.unwrap();
    assert_eq!((&shown["value"], &shown["of"]), (&json!(EMAIL), &json!("original")));
    let (status, again) = api.post("operator-token", &path, &without).await;
    assert_eq!((status, &again["until"]), (StatusCode::OK, &shown["until"]), "within its time");
    assert_eq!(api.post("approver-token", &path, &without).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    let scope = format!("patient.email of letter:{}", dead.id);
    assert_eq!(acts(&f).await, [format!("on-call operator revealed done {scope} to call the patient")]);
    // That there is nothing is something: it is on record too.
    let nothing = json!({"field": "referral.npi", "purpose": "to see"});
    let (status, answer) = api.post("approver-token", &path, &nothing).await;
    assert_eq!((status, &answer["code"]), (StatusCode::NOT_FOUND, &json!("field_empty")));
    assert_eq!(acts(&f).await.len(), 2);
    api.down().await;
}

#[tokio::test]
async fn edits_are_made_looked_at_approved_and_taken_back() {
    let f = Fixture::new().await;
    let api = Api::up(&f).await;
    let mut form = submission("adult", "s-1");
    form["form"]["q7_email"] = json!(EMAIL);
    let dead = template_failed(&f, &form);
    f.keep(&dead).await;
    let letter = format!("/v1/dead-letters/{}", dead.id);
    let (path, back) = (format!("{letter}/edit"), format!("{letter}/withdraw-edit"));
    let values = |values: Value| json!({"values": values, "reason": "by phone"});
    for (status, code, field, body) in [
        (422, "invalid_request", "values", values(json!({}))),
        (422, "invalid_request", "values", values(json!({"clinic_id": OTHER}))),
        (422, "value_refused", "patient.email", values(json!({"patient.email": "dougal(at)example.com"}))),
        (409, "not_editable", "consents.sms", values(json!({"consents.sms": "yes"}))),
    ] {
        let (got, answer) = api.post("operator-token", &path, &body).await;
        assert_eq!((got.as_u16(), &answer["code"], &answer["field"]), (status, &json!(code), &json!(field)));
        assert!(!answer.to_string().contains("dougal"));
    }
    let no_edit = api.post("operator-token", &back, &json!({"reason": "x"})).await;
    assert_eq!((no_edit.0, &no_edit.1["code"]), (StatusCode::NOT_FOUND, &json!("no_edit")));

    let (status, made) = api.post("operator-token", &path, &values(json!({"patient.email": OTHER}))).await;
    assert_eq!(
        (status, &made["state"], &made["forecast"]),
        (StatusCode::CREATED, &json!("in_force"), &json!("would_create"))
    );
    let identity = values(json!({"patient.email": OTHER, "patient.family": "Dougal"}));
    let (status, asked) = api.post("operator-token", &path, &identity).await;
    assert_eq!((status, &asked["state"]), (StatusCode::ACCEPTED, &json!("waiting")));
    let (_, shown) = api.get(&letter).await;
    assert_eq!(
        (&shown["edits"][0]["state"], &shown["edits"][1]["state"]),
        (&json!("superseded"), &json!("waiting"))
    );
    let (_, waiting) = api.get("/v1/edits").await;
    assert_eq!(waiting[0]["id"], asked["id"]);
    for answer in [&made, &asked, &shown, &waiting] {
        assert!(!answer.to_string().to_lowercase().contains("dougal"), "{answer}");
    }
    // The approver sees what they approve.
    let reveal = format!("{letter}/reveal");
    let look = json!({"field": "patient.family", "of": "edit", "purpose": "to approve it"});
    assert_eq!(api.post("approver-token", &reveal, &look).await.1["value"], json!("Dougal"));
    let approve = format!("/v1/edits/{}/approve", asked["id"].as_str().unwrap());
    let grounds = json!({"reason": "seen"});
    assert_eq!(api.post("operator-token", &approve, &grounds).await.0, StatusCode::FORBIDDEN);
    let (status, done) = api.post("approver-token", &approve, &grounds).await;
    assert_eq!(
        (status, &done["state"], &done["approver"]),
        (StatusCode::OK, &json!("in_force"), &json!("lead"))
    );
    let (_, gone) = api.post("operator-token", &back, &json!({"reason": "a mistake"})).await;
    assert_eq!(gone["state"], json!("withdrawn"));
    let again = api.post("approver-token", &approve, &grounds).await;
    assert_eq!((again.0, &again.1["code"]), (StatusCode::NOT_FOUND, &json!("unknown_edit")));
    let acts = acts(&f).await;
    let told: Vec<_> = acts.iter().map(|act| act.split(' ').nth(2).unwrap()).collect();
    let expected =
        ["edit_withdrawn", "edited", "edit_requested", "revealed", "edit_approved", "edit_withdrawn"];
    assert_eq!(told, expected);
    assert!(acts.iter().all(|act| !act.to_lowercase().contains("dougal")));
    api.down().await;
}
