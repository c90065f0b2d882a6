//! Creates.

use std::time::Duration;

use serde_json::{Value, json};

use super::{HASTE, PATIENCE, adapter, ehr, outcome};
use crate::{
    ehr::{
        ETag, Ehr, IssueCode, Profile, WriteOutcome,
        conformance::{appointment, coverage, patient},
    },
    testserver::{Reply, TestServer, nobody},
};

fn created(id: &str) -> Value {
    json!({ "resourceType": "Patient", "id": id, "meta": { "versionId": "7" },
            "identifier": [{ "system": "urn:frontdesk:patient", "value": "p1" }] })
}

pub(super) fn done(id: &str, version: Option<&str>) -> WriteOutcome {
    WriteOutcome::Done { id: id.to_owned(), version: version.map(ETag::new) }
}

async fn create(reply: impl Fn() -> Reply + Send + Sync + 'static) -> WriteOutcome {
    let server = TestServer::answering(reply).await;
    let outcome = ehr(&server).create_patient(&patient("p1")).await;
    assert_eq!(server.seen().len(), 1, "one write, whatever comes back");
    outcome
}

#[tokio::test]
async fn a_create_says_all_that_the_intake_says() {
    let server = TestServer::answering(|| Reply::json(201, &created("1")).with("ETag", "W/\"7\"")).await;
    assert_eq!(ehr(&server).create_patient(&patient("p1")).await, done("1", Some("W/\"7\"")));
    let seen = server.last();
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", "/fhir/Patient"));
    assert_eq!(seen.header("content-type"), Some("application/fhir+json"));
    assert_eq!(seen.header("prefer"), Some("return=representation"));
    assert_eq!(seen.header("if-none-exist"), Some("identifier=urn:frontdesk:patient|p1"));
    assert_eq!(
        seen.json(),
        json!({
            "resourceType": "Patient",
            "identifier": [{ "system": "urn:frontdesk:patient", "value": "p1" }],
            "active": true,
            "name": [{ "use": "official", "family": "O'Conform Nuñez", "given": ["Zelda", "Q"] }],
            "telecom": [
                { "system": "phone", "value": "+12125550143", "use": "home" },
                { "system": "email", "value": "zelda@example.com", "use": "home" },
            ],
            "gender": "female",
            "birthDate": "2015-02-28",
            "address": [{ "use": "home", "line": ["1 Test Street", "Apt 9"], "city": "Albany", "state": "NY",
                          "postalCode": "12207", "country": "US" }],
            "contact": [{
                "relationship": [{ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/v3-RoleCode",
                                               "code": "GUARD" }], "text": "guardian" }],
                "name": { "text": "Yolanda Conform" },
                "telecom": [{ "system": "phone", "value": "+12125550144", "use": "home" }],
            }],
            "communication": [{ "language": { "coding": [{ "system": "urn:ietf:bcp:47", "code": "en" }] },
                                "preferred": true }],
        })
    );
}

#[tokio::test]
async fn coverages_and_appointments_say_what_they_should() {
    let server = TestServer::start(|seen| {
        let kind = seen.target.rsplit('/').next().unwrap();
        Reply::json(201, &json!({ "resourceType": kind, "id": "9" }))
    })
    .await;
    let ehr = ehr(&server);
    assert_eq!(ehr.create_coverage(&coverage("c1", "1")).await, done("9", None));
    let sent = server.last().json();
    assert_eq!(sent["subscriberId"], "W123456789");
    assert_eq!(sent["beneficiary"], json!({ "reference": "Patient/1" }));
    assert_eq!(sent["payor"], json!([{ "type": "Organization", "display": "Aetna" }]));
    assert_eq!(sent["relationship"]["coding"][0]["code"], "self");
    assert_eq!(sent["class"][0]["value"], "GRP-7");
    assert_eq!(sent["period"], json!({ "start": "2026-01-01" }));

    let start = "2027-02-14T16:40:00Z".parse().unwrap();
    let mut write = appointment("a1", "1", "prov-2", start);
    write.slot_id = Some("s1".to_owned());
    assert_eq!(ehr.create_appointment(&write).await, done("9", None));
    let sent = server.last().json();
    assert_eq!(sent["status"], "booked");
    assert_eq!(
        (&sent["start"], &sent["end"]),
        (&json!("2027-02-14T16:40:00Z"), &json!("2027-02-14T17:00:00Z"))
    );
    assert_eq!(sent["slot"], json!([{ "reference": "Slot/s1" }]));
    assert_eq!(sent["participant"][0]["actor"]["reference"], "Patient/1");
    assert_eq!(sent["participant"][1]["actor"]["display"], "prov-2");
    assert_eq!(sent["appointmentType"]["text"], "new_patient");
}

#[tokio::test]
async fn a_created_id_may_stand_in_the_location() {
    let location = "https://ehr.example/fhir/Patient/a-1/_history/3";
    assert_eq!(
        create(move || Reply::status(201).with("Location", location)).await,
        done("a-1", Some("W/\"3\""))
    );
    let polite = || Reply::json(201, &outcome("informational")).with("Location", "Patient/a-1");
    assert_eq!(create(polite).await, done("a-1", None));
}

#[tokio::test]
async fn an_unreadable_success_is_unknown() {
    assert_eq!(create(|| Reply::status(201)).await, WriteOutcome::Unknown);
    assert_eq!(create(|| Reply::text(201, "<html>Welcome</html>")).await, WriteOutcome::Unknown);
    assert_eq!(
        create(|| Reply::json(201, &json!({ "resourceType": "Patient" }))).await,
        WriteOutcome::Unknown
    );
    assert_eq!(
        create(|| Reply::json(201, &json!({ "resourceType": "Basic", "id": "1" }))).await,
        WriteOutcome::Unknown
    );
    assert_eq!(create(|| Reply::CutBody { status: 201 }).await, WriteOutcome::Unknown);
}

#[tokio::test]
async fn another_patient_is_never_taken_for_ours() {
    assert_eq!(create(|| Reply::json(200, &created("1"))).await, done("1", Some("W/\"7\"")));
    let stranger = || Reply::json(200, &json!({ "resourceType": "Patient", "id": "666" }));
    assert_eq!(create(stranger).await, WriteOutcome::Unknown);
    assert_eq!(create(|| Reply::status(200).with("Location", "Patient/666")).await, WriteOutcome::Unknown);
}

#[tokio::test]
async fn each_status_of_a_create() {
    let issue = IssueCode::parse("business-rule");
    for (status, expected) in [
        (301, WriteOutcome::Rejected { status: 301, issue }),
        (400, WriteOutcome::Rejected { status: 400, issue }),
        (401, WriteOutcome::Unauthorized),
        (403, WriteOutcome::Unauthorized),
        (404, WriteOutcome::Rejected { status: 404, issue }),
        (408, WriteOutcome::Unknown),
        (409, WriteOutcome::Unknown),
        (412, WriteOutcome::Conflict),
        (422, WriteOutcome::Rejected { status: 422, issue }),
        (429, WriteOutcome::Throttled { after: Duration::from_secs(11) }),
        (500, WriteOutcome::Unknown),
        (502, WriteOutcome::Unknown),
        (503, WriteOutcome::Unknown),
        (504, WriteOutcome::Unknown),
    ] {
        let reply = move || Reply::json(status, &outcome("business-rule")).with("Retry-After", "11");
        assert_eq!(create(reply).await, expected, "{status}");
    }
}

#[tokio::test]
async fn without_a_condition_412_is_a_refusal() {
    let server = TestServer::answering(|| Reply::status(412)).await;
    let ehr = adapter(&server.url(""), Profile::FHIR_NO_BOOKING, PATIENCE);
    assert_eq!(ehr.create_patient(&patient("p1")).await, WriteOutcome::Rejected { status: 412, issue: None });
    assert_eq!(server.last().header("if-none-exist"), None);
}

#[tokio::test]
async fn a_lost_answer_is_unknown_and_a_lost_connection_is_not_sent() {
    assert_eq!(create(|| Reply::Cut).await, WriteOutcome::Unknown);
    let server = TestServer::answering(|| Reply::Hang).await;
    let hasty = adapter(&server.url(""), Profile::FHIR, HASTE);
    assert_eq!(hasty.create_patient(&patient("p1")).await, WriteOutcome::Unknown);
    let nobody = adapter(&nobody().await, Profile::FHIR, PATIENCE);
    assert_eq!(nobody.create_patient(&patient("p1")).await, WriteOutcome::NotSent);
    let nowhere = adapter("https://no-such-host.invalid", Profile::FHIR, PATIENCE);
    assert_eq!(nowhere.create_patient(&patient("p1")).await, WriteOutcome::NotSent);
}

#[tokio::test]
async fn tls_that_fails_is_not_sent() {
    // The other end speaks plain HTTP: the handshake fails before any request.
    let server = TestServer::answering(|| Reply::status(201)).await;
    let tls = adapter(&server.url("").replace("http:", "https:"), Profile::FHIR, PATIENCE);
    assert_eq!(tls.create_patient(&patient("p1")).await, WriteOutcome::NotSent);
}
