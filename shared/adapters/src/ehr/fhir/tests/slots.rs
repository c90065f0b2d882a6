//! Slots on servers of different habits.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{bundle, ehr, outcome};
use crate::{
    ehr::{Ehr, ReadFault, SlotStatus, WriteOutcome},
    testserver::{Reply, TestServer},
};

const AT: &str = "2027-02-14T16:40:00Z";

fn slot(id: &str, schedule: &str, start: &str, status: &str) -> Value {
    json!({ "resourceType": "Slot", "id": id, "meta": { "versionId": "3" }, "status": status, "comment": "kept",
            "schedule": { "reference": format!("Schedule/{schedule}") },
            "start": start, "end": start.parse::<Timestamp>().unwrap().checked_add(jiff::SignedDuration::from_mins(20)).unwrap() })
}

fn claimed(mut slot: Value, by: &str) -> Value {
    slot["identifier"] =
        json!([{ "system": "urn:clinic", "value": "x" }, { "system": "urn:frontdesk:slot", "value": by }]);
    slot
}

fn at() -> Timestamp {
    AT.parse().unwrap()
}

#[tokio::test]
async fn only_the_slot_that_was_asked_for_counts() {
    let server = TestServer::start(|seen| {
        assert!(
            seen.target.starts_with("/fhir/Slot?schedule=Schedule%2Fprov-2&start=2027-02-14T16%3A40%3A00Z")
        );
        bundle(
            &[
                slot("other-provider", "prov-1", AT, "free"),
                slot("other-time", "prov-2", "2027-02-14T17:00:00Z", "free"),
                slot("busy", "prov-2", AT, "busy-unavailable"),
                slot("right", "prov-2", "2027-02-14T11:40:00-05:00", "free"),
            ],
            false,
        )
    })
    .await;
    let found = ehr(&server).find_slot("prov-2", at(), "mine").await.unwrap().unwrap();
    assert_eq!((found.id.as_str(), found.status, found.minutes), ("right", SlotStatus::Free, 20));
}

#[tokio::test]
async fn our_own_claim_goes_before_a_free_slot() {
    let slots = [slot("free", "prov-2", AT, "free"), claimed(slot("mine", "prov-2", AT, "busy"), "mine")];
    let server = TestServer::answering(move || bundle(&slots, false)).await;
    let ehr = ehr(&server);
    let mine = ehr.find_slot("prov-2", at(), "mine").await.unwrap().unwrap();
    assert!(mine.id == "mine" && mine.claimed_by_us("mine"));
    assert_eq!(ehr.find_slot("prov-2", at(), "theirs").await.unwrap().unwrap().id, "free");
    // Already ours: nothing is written.
    assert!(matches!(ehr.claim_slot(&mine, "mine").await, WriteOutcome::Done { .. }));
    assert_eq!(ehr.claim_slot(&mine, "theirs").await, WriteOutcome::Stale { version: None });
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn a_schedule_of_another_id_is_found_by_identifier() {
    let server = TestServer::start(|seen| match seen.target.as_str() {
        target if target.starts_with("/fhir/Slot?schedule=Schedule%2Fuuid-1") => {
            bundle(&[slot("s", "uuid-1", AT, "free")], false)
        }
        target if target.starts_with("/fhir/Slot?") => Reply::json(400, &outcome("value")),
        "/fhir/Schedule?identifier=prov-2" => bundle(
            &[json!({ "resourceType": "Schedule", "id": "uuid-1", "identifier": [{ "value": "prov-2" }] })],
            false,
        ),
        _ => Reply::status(404),
    })
    .await;
    let ehr = ehr(&server);
    assert_eq!(ehr.find_slot("prov-2", at(), "mine").await.unwrap().unwrap().id, "s");
    assert_eq!(server.seen().len(), 3);
    // Known from then on.
    assert_eq!(ehr.find_slot("prov-2", at(), "mine").await.unwrap().unwrap().id, "s");
    assert_eq!(server.seen().len(), 4);
}

#[tokio::test]
async fn no_slot_is_not_the_same_as_no_answer() {
    let server = TestServer::start(|seen| match seen.target.as_str() {
        target if target.starts_with("/fhir/Slot?") => bundle(&[], false),
        _ => Reply::status(404),
    })
    .await;
    assert!(ehr(&server).find_slot("prov-2", at(), "mine").await.unwrap().is_none());
    let strangers = TestServer::answering(|| bundle(&[slot("x", "prov-9", AT, "free")], true)).await;
    assert_eq!(ehr(&strangers).find_slot("prov-2", at(), "mine").await.err(), Some(ReadFault::Unreadable));
    let down = TestServer::answering(|| Reply::status(503)).await;
    assert_eq!(ehr(&down).find_slot("prov-2", at(), "mine").await.err(), Some(ReadFault::Unavailable));
}

#[tokio::test]
async fn a_claim_changes_status_and_identifier_only() {
    let server = TestServer::start(|seen| match seen.method.as_str() {
        "GET" => bundle(&[slot("s", "prov-2", AT, "free")], false),
        _ => Reply::json(200, &json!({ "resourceType": "Slot", "id": "s" })).with("ETag", "W/\"4\""),
    })
    .await;
    let ehr_ = ehr(&server);
    let found = ehr_.find_slot("prov-2", at(), "mine").await.unwrap().unwrap();
    assert!(matches!(ehr_.claim_slot(&found, "mine").await, WriteOutcome::Done { .. }));
    let put = server.last();
    assert_eq!((put.target.as_str(), put.header("if-match")), ("/fhir/Slot/s", Some("W/\"3\"")));
    let mut expected = slot("s", "prov-2", AT, "busy");
    expected["identifier"] = json!([{ "system": "urn:frontdesk:slot", "value": "mine" }]);
    assert_eq!(put.json(), expected);

    let lost = TestServer::answering(|| Reply::status(412)).await;
    assert_eq!(ehr(&lost).claim_slot(&found, "mine").await, WriteOutcome::Stale { version: None });
    let unversioned = crate::ehr::SlotFound { version: None, ..found };
    assert_eq!(ehr(&lost).claim_slot(&unversioned, "mine").await, WriteOutcome::Conflict);
}

#[tokio::test]
async fn a_release_frees_only_what_is_ours() {
    let server = TestServer::start(|seen| match seen.method.as_str() {
        "GET" => Reply::json(200, &claimed(slot("s", "prov-2", AT, "busy"), "mine")).with("ETag", "W/\"9\""),
        _ => Reply::json(200, &slot("s", "prov-2", AT, "free")),
    })
    .await;
    let ehr = ehr(&server);
    assert!(matches!(ehr.release_slot("s", "theirs").await, WriteOutcome::Done { .. }));
    assert_eq!(server.seen().len(), 1);
    assert!(matches!(ehr.release_slot("s", "mine").await, WriteOutcome::Done { .. }));
    let put = server.last();
    assert_eq!(put.header("if-match"), Some("W/\"9\""));
    assert_eq!(put.json()["status"], "free");
    assert_eq!(put.json()["identifier"], json!([{ "system": "urn:clinic", "value": "x" }]));
}

#[tokio::test]
async fn free_slots_are_sorted_checked_and_few() {
    let server = TestServer::answering(|| {
        bundle(
            &[
                slot("late", "prov-2", "2027-02-14T18:00:00Z", "free"),
                slot("early", "prov-2", AT, "free"),
                slot("busy", "prov-2", AT, "busy"),
                slot("past", "prov-2", "2027-02-14T10:00:00Z", "free"),
                slot("later", "prov-2", "2027-02-14T19:00:00Z", "free"),
            ],
            true,
        )
    })
    .await;
    let slots = ehr(&server).free_slots("prov-2", at(), 2).await.unwrap();
    assert_eq!(slots.iter().map(|slot| slot.id.as_str()).collect::<Vec<_>>(), ["early", "late"]);
    let target = server.last().target;
    assert!(
        target.contains("start=ge2027-02-14T16%3A40%3A00Z") && target.contains("status=free"),
        "{target}"
    );
}
