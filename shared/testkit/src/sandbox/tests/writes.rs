use reqwest::StatusCode;
use serde_json::json;

use super::{Test, body, patient, send};
use crate::sandbox::{Class, Commit, Fault, Interaction, Kind, Rule};

#[tokio::test]
async fn every_write_is_noted_with_what_became_of_it() {
    let test = Test::start().await;
    let condition = "identifier=urn:frontdesk:patient|p1";
    let mut created =
        body(test.create("Patient", &patient("p1")).header("if-none-exist", condition), StatusCode::CREATED)
            .await;
    body(test.create("Patient", &patient("p1")).header("if-none-exist", condition), StatusCode::OK).await;
    let id = created["id"].as_str().expect("an id").to_owned();
    let path = format!("Patient/{id}");
    created["gender"] = json!("other");
    send(test.put(&path, &created).header("if-match", "W/\"1\"")).await;
    send(test.put(&path, &created).header("if-match", "W/\"1\"")).await;
    send(test.create("Patient", &json!({"resourceType": "Patient"}))).await;
    let lost = Rule::new(Class::Ehr, Fault::Error { status: None, commit: Commit::Before });
    test.sandbox.set_faults(vec![lost]).expect("a rule");
    send(test.create("Patient", &patient("p9"))).await;

    let writes = test.sandbox.writes(0);
    let seen: Vec<_> =
        writes.iter().map(|one| (one.interaction, one.status, one.version, one.committed)).collect();
    assert_eq!(
        seen,
        [
            (Interaction::Create, Some(201), Some(1), true),
            (Interaction::Create, Some(200), Some(1), false),
            (Interaction::Update, Some(200), Some(2), true),
            (Interaction::Update, Some(412), None, false),
            (Interaction::Create, Some(422), None, false),
            (Interaction::Create, None, None, false),
        ]
    );
    assert!(writes.iter().all(|write| write.resource == Kind::Patient));
    assert_eq!(writes[0].identifier.as_deref(), Some("p1"));
    assert_eq!(writes[0].id.as_deref(), Some(id.as_str()));
    assert!(writes[1].conditional && !writes[2].conditional);
    assert_eq!(writes[3].if_match.as_deref(), Some("W/\"1\""));
    assert_eq!(test.sandbox.writes(5).len(), 1);
}
