//! Reads and searches, and servers that answer something else.

use jiff::civil::date;
use serde_json::{Value, json};

use super::{HASTE, adapter, bundle, ehr, outcome};
use crate::{
    ehr::{
        ETag, Ehr, IssueCode, Profile, ReadFault, Search, Wanted,
        conformance::{appointment, coverage, patient},
    },
    testserver::{Reply, TestServer, nobody},
};

fn stored(id: &str, identifier: &str) -> Value {
    let mut resource =
        serde_json::to_value(super::super::resource::Patient::of(&patient(identifier))).unwrap();
    resource["id"] = json!(id);
    resource["meta"] = json!({ "versionId": "5" });
    resource
}

async fn find(reply: impl Fn() -> Reply + Send + Sync + 'static) -> Search {
    let server = TestServer::answering(reply).await;
    ehr(&server).find(Wanted::Patient(&patient("p1"))).await
}

fn assert_failed(search: &Search, expected: &ReadFault) {
    match search {
        Search::Failed(fault) => assert_eq!(fault, expected),
        _ => panic!("a search that must have failed with {expected:?}"),
    }
}

#[tokio::test]
async fn a_search_is_a_form_and_says_nothing_in_its_url() {
    let server = TestServer::answering(|| bundle(&[stored("1", "p1")], false)).await;
    let found = ehr(&server).find(Wanted::Patient(&patient("p1"))).await;
    assert!(matches!(&found, Search::One { id, agrees: true, current: true, version: Some(version) }
        if id == "1" && version.same(&ETag::of_version_id("5"))));
    let seen = server.last();
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", "/fhir/Patient/_search"));
    assert_eq!(seen.body, "identifier=urn%3Afrontdesk%3Apatient%7Cp1&_count=20");
    assert_eq!(seen.header("prefer"), Some("handling=strict"));
    assert_eq!(seen.header("cache-control"), Some("no-cache"));
}

#[tokio::test]
async fn a_search_that_ignores_our_parameter_is_not_believed() {
    let strangers = [stored("8", "p8"), stored("9", "p9")];
    // Everything that there is, on one page: then ours is really not there.
    let all = strangers.clone();
    assert!(find(move || bundle(&all, false)).await == Search::None);
    let page = strangers.clone();
    assert_failed(&find(move || bundle(&page, true)).await, &ReadFault::Unreadable);
    let mixed = [strangers[0].clone(), stored("1", "p1")];
    assert!(matches!(find(move || bundle(&mixed, true)).await, Search::One { id, .. } if id == "1"));
    let same_value = json!({ "resourceType": "Patient", "id": "1",
        "identifier": [{ "system": "urn:other", "value": "p1" }, { "value": "p1" }] });
    assert!(find(move || bundle(std::slice::from_ref(&same_value), false)).await == Search::None);
}

#[tokio::test]
async fn several_and_doubles() {
    let two = [stored("1", "p1"), stored("2", "p1")];
    assert!(find(move || bundle(&two, false)).await == Search::Several);
    let twice = [stored("1", "p1"), stored("1", "p1"), outcome("informational")];
    assert!(matches!(find(move || bundle(&twice, false)).await, Search::One { .. }));
}

#[tokio::test]
async fn bundles_come_in_many_shapes() {
    for body in [
        json!({ "resourceType": "Bundle", "type": "searchset" }),
        json!({ "resourceType": "Bundle", "type": "searchset", "total": 0, "entry": [] }),
        json!({ "resourceType": "Bundle", "type": "searchset", "total": 12, "entry": [{ "search": { "mode": "match" } }] }),
    ] {
        assert!(find(move || Reply::json(200, &body)).await == Search::None);
    }
    for body in [
        "",
        "{}",
        "[]",
        "<html/>",
        "{\"resourceType\":\"Patient\"}",
        "{\"resourceType\":\"Bundle\",\"entry\":7}",
    ] {
        assert_failed(&find(move || Reply::text(200, body)).await, &ReadFault::Unreadable);
    }
}

#[tokio::test]
async fn each_status_of_a_search() {
    let issue = IssueCode::parse("not-supported");
    for (status, expected) in [
        (202, ReadFault::Unreadable),
        (302, ReadFault::Refused { status: 302, issue }),
        (400, ReadFault::Refused { status: 400, issue }),
        (401, ReadFault::Unauthorized),
        (403, ReadFault::Unauthorized),
        (404, ReadFault::Refused { status: 404, issue: None }),
        (429, ReadFault::Throttled { after: std::time::Duration::from_secs(5) }),
        (500, ReadFault::Unavailable),
        (503, ReadFault::Unavailable),
    ] {
        assert_failed(&find(move || Reply::json(status, &outcome("not-supported"))).await, &expected);
    }
    assert_failed(&find(|| Reply::Cut).await, &ReadFault::Unavailable);
    assert_failed(&find(|| Reply::CutBody { status: 200 }).await, &ReadFault::Unreadable);
    let server = TestServer::answering(|| Reply::Hang).await;
    let hasty = adapter(&server.url(""), Profile::FHIR, HASTE);
    assert_failed(&hasty.find(Wanted::Patient(&patient("p1"))).await, &ReadFault::Unavailable);
    let nobody = adapter(&nobody().await, Profile::FHIR, HASTE);
    assert_failed(&nobody.find(Wanted::Patient(&patient("p1"))).await, &ReadFault::Unavailable);
}

#[tokio::test]
async fn what_is_found_must_agree() {
    for (key, value, agrees) in [
        ("birthDate", json!("2015-02-27"), false),
        ("birthDate", json!("2015"), false),
        ("name", json!([{ "family": "O'Conform Nuñez", "given": ["Zoe"] }]), false),
        ("name", json!([]), false),
        ("name", json!([{ "family": "o'conform  NUÑEZ", "given": [" zelda "] }]), true),
        ("telecom", json!([]), true),
    ] {
        let mut resource = stored("1", "p1");
        resource[key] = value;
        let found = find(move || bundle(&[resource.clone()], false)).await;
        assert!(matches!(found, Search::One { agrees: yes, .. } if yes == agrees), "{key}");
    }
    let mut outdated = stored("1", "p1");
    outdated["telecom"][0]["value"] = json!("+12125550000");
    let found = find(move || bundle(&[outdated.clone()], false)).await;
    assert!(matches!(found, Search::One { agrees: true, current: false, .. }));
}

#[tokio::test]
async fn coverages_and_appointments_must_agree_too() {
    let found = json!({ "resourceType": "Coverage", "id": "c", "subscriberId": "w123456789",
        "identifier": [{ "system": "urn:frontdesk:coverage", "value": "c1" }],
        "beneficiary": { "reference": "https://ehr.example/fhir/Patient/1" } });
    let server = TestServer::answering(move || bundle(std::slice::from_ref(&found), false)).await;
    let ehr_ = ehr(&server);
    let of = |patient| coverage("c1", patient);
    assert!(matches!(ehr_.find(Wanted::Coverage(&of("1"))).await, Search::One { agrees: true, .. }));
    assert!(matches!(ehr_.find(Wanted::Coverage(&of("2"))).await, Search::One { agrees: false, .. }));

    let found = json!({ "resourceType": "Appointment", "id": "a", "start": "2027-02-14T11:40:00-05:00",
        "identifier": [{ "system": "urn:frontdesk:appointment", "value": "a1" }],
        "participant": [{ "actor": { "display": "x" } }, { "actor": { "reference": "Patient/1" } }] });
    let server = TestServer::answering(move || bundle(std::slice::from_ref(&found), false)).await;
    let ehr_ = ehr(&server);
    let at = |start: &str| appointment("a1", "1", "prov-1", start.parse().unwrap());
    assert!(matches!(
        ehr_.find(Wanted::Appointment(&at("2027-02-14T16:40:00Z"))).await,
        Search::One { agrees: true, .. }
    ));
    assert!(matches!(
        ehr_.find(Wanted::Appointment(&at("2027-02-14T16:41:00Z"))).await,
        Search::One { agrees: false, .. }
    ));
}

#[tokio::test]
async fn a_patient_is_read_as_matching_needs_it() {
    let server = TestServer::answering(|| Reply::json(200, &stored("1", "p1")).with("ETag", "\"x\"")).await;
    let read = ehr(&server).read_patient("1").await.ok().unwrap();
    assert_eq!((read.id.as_str(), read.version), ("1", Some(ETag::new("\"x\""))));
    let (person, written) = (read.person, patient("p1").patient);
    assert!(person.identifiers == ["p1"] && person.given == "Zelda" && person.middle.as_deref() == Some("Q"));
    assert!(person.phones == ["+12125550143"] && person.emails == ["zelda@example.com"]);
    assert!(person.address == written.address && person.sex == written.sex);
    assert_eq!(server.last().target, "/fhir/Patient/1");
    // Another resource than the one that was asked for.
    assert_eq!(ehr(&server).read_patient("2").await.err(), Some(ReadFault::Unreadable));
    let server = TestServer::answering(|| Reply::status(404)).await;
    assert_eq!(ehr(&server).read_patient("1").await.err(), Some(ReadFault::Missing));
}

#[tokio::test]
async fn candidates_are_checked_and_only_asked_where_they_can_be() {
    let strangers =
        [stored("1", "p1"), json!({ "resourceType": "Patient", "id": "2", "birthDate": "1999-01-01" })];
    let server = TestServer::answering(move || bundle(&strangers, false)).await;
    let day = date(2015, 2, 28);
    let found = ehr(&server).candidates("o'conform nuñez", day).await.ok().unwrap();
    assert!(found.len() == 1 && found[0].id == "1");
    let seen = server.last();
    assert_eq!(seen.target, "/fhir/Patient/_search");
    assert!(seen.body.contains("birthdate=2015-02-28"));
    let profile = Profile { can_match: false, ..Profile::FHIR };
    let blind = adapter(&server.url(""), profile, HASTE);
    assert!(blind.candidates("Any", day).await.ok().unwrap().is_empty());
    assert_eq!(server.seen().len(), 1);
}
