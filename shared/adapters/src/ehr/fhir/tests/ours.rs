//! Pages of what carries our identifiers, and servers that lead elsewhere.

use serde_json::{Value, json};

use super::{bundle, ehr};
use crate::{
    ehr::{Ask, Ehr, OurPage, ReadFault, System},
    testserver::{Reply, TestServer},
};

fn visit(id: &str, values: &[&str], updated: &str) -> Value {
    let identifiers: Vec<Value> =
        values.iter().map(|value| json!({ "system": "urn:frontdesk:appointment", "value": value })).collect();
    json!({ "resourceType": "Appointment", "id": id, "identifier": identifiers,
            "meta": { "lastUpdated": updated }, "comment": "Zelda has a cough" })
}

fn told(page: &OurPage) -> Vec<(&str, &str)> {
    page.found.iter().map(|one| (one.id.as_str(), one.identifier.as_str())).collect()
}

#[tokio::test]
async fn identifiers_go_in_a_form_and_only_they_count() {
    let server = TestServer::answering(|| {
        let at = "2026-11-22T09:00:00.5+00:00";
        bundle(
            &[
                visit("1", &["a"], at),
                visit("2", &["b", "x"], at),
                visit("3", &["x"], at),
                json!({"resourceType": "Patient", "id": "a"}),
            ],
            false,
        )
    })
    .await;
    let values = ["a".to_owned(), "b".to_owned()];
    let page = ehr(&server).ours(System::Appointment, Ask::Identifiers(&values)).await.ok().unwrap();
    assert_eq!(told(&page), [("1", "a"), ("2", "b")]);
    assert_eq!(page.found[0].updated, Some("2026-11-22T09:00:00.5Z".parse().unwrap()));
    assert!(page.next.is_none());
    let seen = server.last();
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", "/fhir/Appointment/_search"));
    assert_eq!(
        seen.body,
        "identifier=urn%3Afrontdesk%3Aappointment%7Ca%2Curn%3Afrontdesk%3Aappointment%7Cb&_count=100"
    );
}

#[tokio::test]
async fn a_day_is_asked_for_and_what_is_not_of_it_does_not_count() {
    let server = TestServer::answering(|| {
        bundle(
            &[visit("1", &["a"], "2026-11-22T05:00:00Z"), visit("2", &["b"], "2026-11-23T05:00:00Z")],
            false,
        )
    })
    .await;
    let (from, until) = ("2026-11-22T05:00:00Z".parse().unwrap(), "2026-11-23T05:00:00Z".parse().unwrap());
    let page = ehr(&server).ours(System::Appointment, Ask::Changed { from, until }).await.ok().unwrap();
    assert_eq!(told(&page), [("1", "a")]);
    assert_eq!(
        server.last().body,
        "identifier=urn%3Afrontdesk%3Aappointment%7C&_lastUpdated=ge2026-11-22T05%3A00%3A00Z\
         &_lastUpdated=lt2026-11-23T05%3A00%3A00Z&_count=100"
    );
}

/// A page whose next one is there.
fn leading_to(url: &str) -> Reply {
    Reply::json(
        200,
        &json!({ "resourceType": "Bundle", "entry": [{ "resource": visit("1", &["a"], "2026-11-22T05:00:00Z") }],
                 "link": [{ "relation": "self", "url": "x" }, { "relation": "next", "url": url }] }),
    )
}

#[tokio::test]
async fn pages_are_turned_on_this_server_only() {
    let values = ["a".to_owned()];
    let server = TestServer::answering(|| leading_to("?_page=2")).await;
    let ehr = ehr(&server);
    let page = ehr.ours(System::Appointment, Ask::Identifiers(&values)).await.ok().unwrap();
    let next = ehr.ours(System::Appointment, Ask::Next(page.next.unwrap())).await.ok().unwrap();
    assert_eq!(told(&next), [("1", "a")]);
    assert_eq!((server.last().method.as_str(), server.last().target.as_str()), ("GET", "/fhir?_page=2"));
    for elsewhere in [
        "http://127.0.0.1:1/fhir?_page=2",
        "https://evil.example/fhir",
        "/admin?_page=2",
        "/fhirs",
        "/fhir/../admin",
    ] {
        let cursor = crate::ehr::Cursor(elsewhere.to_owned());
        let answer = ehr.ours(System::Appointment, Ask::Next(cursor)).await;
        assert_eq!(answer.err(), Some(ReadFault::Unreadable), "{elsewhere}");
    }
}

#[tokio::test]
async fn a_server_without_the_search_refuses_it() {
    let server =
        TestServer::answering(|| Reply::json(404, &json!({ "resourceType": "OperationOutcome" }))).await;
    let values = ["a".to_owned()];
    let answer = ehr(&server).ours(System::Coverage, Ask::Identifiers(&values)).await;
    assert_eq!(answer.err(), Some(ReadFault::Refused { status: 404, issue: None }));
}
