//! Updates.

use std::time::Duration;

use serde_json::{Value, json};

use super::{ehr, writes::done};
use crate::{
    ehr::{ETag, Ehr, WriteOutcome, conformance::patient, fhir::resource},
    testserver::{Reply, TestServer},
};

/// A patient as a clinic's own software would hold it: with much that we do not know.
fn held() -> Value {
    json!({
        "resourceType": "Patient", "id": "1", "meta": { "versionId": "ignored", "profile": ["x"] },
        "extension": [{ "url": "http://clinic.example/vip", "valueBoolean": true }],
        "identifier": [{ "system": "urn:clinic:mrn", "value": "77" }],
        "name": [{ "use": "old", "family": "Maiden" }, { "use": "official", "family": "O'CONFORM NUÑEZ", "given": ["ZELDA"] }],
        "telecom": [
            { "system": "phone", "value": "(212) 555-0100", "use": "work" },
            { "system": "phone", "value": "212-555-0101", "use": "home", "extension": [{ "url": "e" }] },
            { "system": "email", "value": "ZELDA@EXAMPLE.COM" },
        ],
        "birthDate": "2015-02-28",
        "gender": "unknown",
        "maritalStatus": { "text": "S" },
    })
}

#[tokio::test]
async fn an_update_keeps_what_it_does_not_know() {
    let server = TestServer::start(|seen| match seen.method.as_str() {
        "GET" => Reply::json(200, &held()).with("ETag", "W/\"a-b\""),
        _ => Reply::json(200, &json!({ "resourceType": "Patient", "id": "1" })).with("ETag", "W/\"c-d\""),
    })
    .await;
    let outcome = ehr(&server).update_patient("1", Some(&ETag::new("\"a-b\"")), &patient("p1")).await;
    assert_eq!(outcome, done("1", Some("W/\"c-d\"")));
    let put = server.last();
    assert_eq!((put.method.as_str(), put.target.as_str()), ("PUT", "/fhir/Patient/1"));
    assert_eq!(put.header("if-match"), Some("W/\"a-b\""));
    let (sent, held) = (put.json(), held());
    for kept in ["extension", "name", "birthDate", "maritalStatus", "meta"] {
        assert_eq!(sent[kept], held[kept], "{kept}");
    }
    assert_eq!(sent["identifier"][0], held["identifier"][0]);
    assert_eq!(sent["identifier"][1]["value"], "p1");
    assert_eq!(sent["telecom"][0], held["telecom"][0]);
    assert_eq!(sent["telecom"][1]["value"], "+12125550143");
    assert_eq!(sent["telecom"][1]["extension"], held["telecom"][1]["extension"]);
    assert_eq!(sent["telecom"].as_array().unwrap().len(), 3, "the e-mail is the same but for case");
    assert_eq!(sent["gender"], "female");
    assert_eq!(sent["address"][0]["city"], "Albany");
    assert_eq!(sent["contact"][0]["name"]["text"], "Yolanda Conform");
}

#[tokio::test]
async fn an_update_that_changes_nothing_writes_nothing() {
    let server = TestServer::start(|seen| match seen.method.as_str() {
        "GET" => Reply::json(
            200,
            &serde_json::to_value(resource::Patient::of(&patient("p1"))).map(with_id).unwrap(),
        ),
        _ => Reply::status(500),
    })
    .await;
    assert_eq!(ehr(&server).update_patient("1", None, &patient("p1")).await, done("1", None));
    assert_eq!(server.seen().len(), 1);
}

fn with_id(mut resource: Value) -> Value {
    resource["id"] = json!("1");
    resource
}

#[tokio::test]
async fn each_status_of_an_update() {
    for (status, expected) in [
        (400, WriteOutcome::Rejected { status: 400, issue: None }),
        (403, WriteOutcome::Unauthorized),
        (409, WriteOutcome::Stale { version: None }),
        (412, WriteOutcome::Stale { version: None }),
        (422, WriteOutcome::Rejected { status: 422, issue: None }),
        (429, WriteOutcome::Throttled { after: Duration::from_secs(5) }),
        (500, WriteOutcome::Unknown),
        (200, WriteOutcome::Done { id: "1".to_owned(), version: None }),
        (204, WriteOutcome::Done { id: "1".to_owned(), version: None }),
    ] {
        let server = TestServer::start(move |seen| match seen.method.as_str() {
            "GET" => Reply::json(200, &held()),
            _ => Reply::status(status),
        })
        .await;
        assert_eq!(ehr(&server).update_patient("1", None, &patient("p1")).await, expected, "{status}");
    }
}

#[tokio::test]
async fn what_goes_wrong_before_an_update_changed_nothing() {
    for (reply, expected) in [
        (404, WriteOutcome::Rejected { status: 404, issue: None }),
        (410, WriteOutcome::Rejected { status: 404, issue: None }),
        (401, WriteOutcome::Unauthorized),
        (429, WriteOutcome::Throttled { after: Duration::from_secs(5) }),
        (500, WriteOutcome::NotSent),
        (200, WriteOutcome::NotSent),
    ] {
        let server = TestServer::answering(move || Reply::status(reply)).await;
        assert_eq!(ehr(&server).update_patient("1", None, &patient("p1")).await, expected, "{reply}");
        assert_eq!(server.seen().len(), 1);
    }
    let server = TestServer::answering(|| Reply::json(200, &held()).with("ETag", "W/\"2\"")).await;
    let stale = ehr(&server).update_patient("1", Some(&ETag::new("W/\"1\"")), &patient("p1")).await;
    assert_eq!(
        (stale, server.seen().len()),
        (WriteOutcome::Stale { version: Some(ETag::new("W/\"2\"")) }, 1)
    );
    for id in ["", ".", ".."] {
        assert_eq!(ehr(&server).update_patient(id, None, &patient("p1")).await, WriteOutcome::NotSent);
    }
    assert_eq!(server.seen().len(), 1);
}
