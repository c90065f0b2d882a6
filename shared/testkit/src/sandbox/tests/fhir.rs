use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{Test, appointment, body, header, patient, send};
use crate::sandbox::Kind;

#[tokio::test]
async fn a_created_resource_is_read_and_updated_by_version() {
    let test = Test::start().await;
    let response = send(test.create("Patient", &patient("p1"))).await;
    assert_eq!(response.status(), StatusCode::CREATED);
    assert_eq!(header(&response, "etag"), "W/\"1\"");
    let location = header(&response, "location").to_owned();
    let mut created: Value = response.json().await.expect("a Patient");
    let id = created["id"].as_str().expect("an id").to_owned();
    assert_eq!(location, test.url(&format!("Patient/{id}/_history/1")));
    assert_eq!(created["meta"]["versionId"], "1");
    assert!(created["meta"]["lastUpdated"].is_string());

    created["gender"] = json!("other");
    let path = format!("Patient/{id}");
    let updated = send(test.put(&path, &created).header("if-match", "W/\"1\"")).await;
    assert_eq!((updated.status(), header(&updated, "etag")), (StatusCode::OK, "W/\"2\""));
    let stale =
        body(test.put(&path, &created).header("if-match", "W/\"1\""), StatusCode::PRECONDITION_FAILED).await;
    assert_eq!(stale["resourceType"], "OperationOutcome");
    assert_eq!(body(test.get(&path), StatusCode::OK).await["gender"], "other");
    assert_eq!(body(test.get(&format!("{path}/_history/1")), StatusCode::OK).await["gender"], "female");
    body(test.get(&format!("{path}/_history/3")), StatusCode::NOT_FOUND).await;
    body(test.get("Patient/nobody"), StatusCode::NOT_FOUND).await;
}

#[tokio::test]
async fn there_is_no_create_by_update_and_no_delete() {
    let test = Test::start().await;
    let mut chosen = patient("p1");
    chosen["id"] = json!("mine");
    body(test.put("Patient/mine", &chosen), StatusCode::METHOD_NOT_ALLOWED).await;
    body(test.put("Patient/other", &chosen), StatusCode::BAD_REQUEST).await;
    body(test.http.delete(test.url("Patient/mine")), StatusCode::METHOD_NOT_ALLOWED).await;
    body(test.get("Encounter"), StatusCode::NOT_FOUND).await;
    body(test.http.get(test.url("a/b/c/d/e")), StatusCode::NOT_FOUND).await;
    assert_eq!(test.sandbox.counts().patients, 0);
}

#[tokio::test]
async fn bad_bodies_get_outcomes() {
    let test = Test::start().await;
    let send_raw = |text: &'static str| {
        test.http.post(test.url("Patient")).header("content-type", "application/fhir+json").body(text)
    };
    body(send_raw("{"), StatusCode::BAD_REQUEST).await;
    body(send_raw("[]"), StatusCode::BAD_REQUEST).await;
    body(send_raw("{\"resourceType\": \"Slot\"}"), StatusCode::BAD_REQUEST).await;
    let outcome = body(send_raw("{\"resourceType\": \"Patient\"}"), StatusCode::UNPROCESSABLE_ENTITY).await;
    assert_eq!(outcome["issue"][0]["expression"][0], "Patient.identifier");
    let deep: &'static str = Box::leak("[".repeat(10_000).into_boxed_str());
    body(send_raw(deep), StatusCode::BAD_REQUEST).await;
    body(test.http.post(test.url("Patient")).body("x"), StatusCode::UNSUPPORTED_MEDIA_TYPE).await;
}

#[tokio::test]
async fn preferences_choose_the_answer() {
    let test = Test::start().await;
    let minimal = send(test.create("Patient", &patient("p1")).header("prefer", "return=minimal")).await;
    assert_eq!(minimal.status(), StatusCode::CREATED);
    assert!(header(&minimal, "location").contains("/Patient/"));
    assert_eq!(minimal.text().await.expect("a body"), "");
    let outcome = test.create("Patient", &patient("p2")).header("prefer", "return=OperationOutcome");
    assert_eq!(body(outcome, StatusCode::CREATED).await["resourceType"], "OperationOutcome");
}

#[tokio::test]
async fn searches_find_by_every_kind_of_parameter() {
    let test = Test::start().await;
    body(test.create("Patient", &patient("p1")), StatusCode::CREATED).await;
    body(test.create("Patient", &patient("p2")), StatusCode::CREATED).await;
    for (form, total) in [
        (vec![("identifier", "urn:frontdesk:patient|p1")], 1),
        (vec![("identifier", "p2")], 1),
        (vec![("identifier", "urn:other|p1")], 0),
        (vec![("identifier", "p1,p2")], 2),
        (vec![("family", "exam"), ("given", "q")], 2),
        (vec![("family:exact", "exam")], 0),
        (vec![("birthdate", "1980-01-02")], 2),
        (vec![("birthdate", "1980-01"), ("identifier", "p1")], 1),
        (vec![("birthdate", "gt1980-01-02")], 0),
        (vec![("phone", "+15555550100")], 2),
        (vec![("email", "ann@example.test"), ("family", "other")], 0),
        (vec![("_id", "nobody")], 0),
        (vec![("_lastUpdated", "ge2000-01-01")], 2),
    ] {
        let bundle = test.found("Patient", &form).await;
        assert_eq!(bundle["total"], total, "{form:?}");
        assert_eq!(bundle["entry"].as_array().map_or(0, Vec::len), total, "{form:?}");
    }
    let by_get = body(test.get("Patient?identifier=urn:frontdesk:patient%7Cp1"), StatusCode::OK).await;
    assert_eq!(by_get["entry"][0]["resource"]["identifier"][0]["value"], "p1");
    assert_eq!(by_get["entry"][0]["search"]["mode"], "match");
    assert!(by_get["link"][0]["url"].as_str().is_some_and(|url| url.contains("identifier=")));
}

#[tokio::test]
async fn unknown_parameters_are_ignored_or_refused() {
    let test = Test::start().await;
    body(test.create("Patient", &patient("p1")), StatusCode::CREATED).await;
    let lenient = test.found("Patient", &[("shoe-size", "9")]).await;
    assert_eq!(lenient["total"], 1);
    assert_eq!(lenient["link"][0]["url"], test.url("Patient"));
    let strict = test.find("Patient", &[("shoe-size", "9")]).header("prefer", "handling=strict");
    body(strict, StatusCode::BAD_REQUEST).await;
}

#[tokio::test]
async fn pages_follow_one_another() {
    let test = Test::start().await;
    for number in 0..5 {
        body(test.create("Patient", &patient(&format!("p{number}"))), StatusCode::CREATED).await;
    }
    let mut bundle =
        test.found("Patient", &[("family", "example"), ("_count", "2"), ("_sort", "-_lastUpdated")]).await;
    let mut seen = Vec::new();
    loop {
        assert_eq!(bundle["total"], 5);
        let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
        seen.extend(entries.iter().map(|one| one["resource"]["identifier"][0]["value"].to_string()));
        let next =
            bundle["link"].as_array().and_then(|links| links.iter().find(|link| link["relation"] == "next"));
        let Some(next) = next.and_then(|link| link["url"].as_str()) else { break };
        assert!(!next.contains("example"), "a next link shows nothing of the search");
        bundle = body(test.http.get(next), StatusCode::OK).await;
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 5);
    body(test.get("Patient?_page=999"), StatusCode::GONE).await;
    assert_eq!(test.found("Patient", &[("_summary", "count")]).await["entry"], Value::Null);
}

#[tokio::test]
async fn slots_are_found_and_claimed_once() {
    let test = Test::start().await;
    let form = [("schedule", "Schedule/c1-p1"), ("start", "2027-02-19T14:20:00Z"), ("status", "free")];
    let bundle = test.found("Slot", &form).await;
    assert_eq!(bundle["total"], 1);
    let mut slot = bundle["entry"][0]["resource"].clone();
    assert_eq!(slot["end"], "2027-02-19T14:40:00Z");
    assert_eq!(
        test.found("Slot", &[("schedule", "c1-p1"), ("start", "ge2027-02-19T14:30:00Z")]).await["total"],
        1
    );
    let path = format!("Slot/{}", slot["id"].as_str().expect("an id"));
    slot["status"] = json!("busy");
    let claims = (0..8).map(|_| send(test.put(&path, &slot).header("if-match", "W/\"1\"")));
    let statuses: Vec<u16> =
        futures_util::future::join_all(claims).await.iter().map(|answer| answer.status().as_u16()).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 412).count(), 7, "{statuses:?}");
    assert_eq!(test.found("Slot", &form).await["total"], 0);
    let counts = test.sandbox.counts();
    assert_eq!((counts.slots_busy, counts.slots_free), (1, 2));
}

#[tokio::test]
async fn conditional_creates_are_atomic() {
    let test = Test::start().await;
    let racers = (0..16).map(|_| {
        send(
            test.create("Patient", &patient("p1"))
                .header("if-none-exist", "identifier=urn:frontdesk:patient|p1"),
        )
    });
    let answers = futures_util::future::join_all(racers).await;
    let created = answers.iter().filter(|answer| answer.status() == StatusCode::CREATED).count();
    let found = answers.iter().filter(|answer| answer.status() == StatusCode::OK).count();
    assert_eq!((created, found, test.sandbox.counts().patients), (1, 15, 1));
    body(test.create("Patient", &patient("p1")), StatusCode::CREATED).await;
    let many =
        test.create("Patient", &patient("p1")).header("if-none-exist", "identifier=urn:frontdesk:patient|p1");
    let outcome = body(many, StatusCode::PRECONDITION_FAILED).await;
    assert_eq!(outcome["issue"][0]["code"], "multiple-matches");
    let unknown = test.create("Patient", &patient("p1")).header("if-none-exist", "shoe=9");
    body(unknown, StatusCode::PRECONDITION_FAILED).await;
}

#[tokio::test]
async fn references_must_exist_and_double_booking_is_the_clients_matter() {
    for prevented in [false, true] {
        let test = Test::with(|config| config.prevent_double_booking = prevented).await;
        let known = body(test.create("Patient", &patient("p1")), StatusCode::CREATED).await;
        let known = known["id"].as_str().expect("an id");
        let slot = test.sandbox.contents(Kind::Slot)[0]["id"].as_str().expect("an id").to_owned();
        body(test.create("Appointment", &appointment("a0", "nobody", &slot)), StatusCode::BAD_REQUEST).await;
        body(test.create("Appointment", &appointment("a1", known, &slot)), StatusCode::CREATED).await;
        let second = if prevented { StatusCode::CONFLICT } else { StatusCode::CREATED };
        body(test.create("Appointment", &appointment("a2", known, &slot)), second).await;
        let found =
            test.found("Appointment", &[("patient", known), ("slot", &slot), ("date", "2027-02-19")]).await;
        assert_eq!(found["total"], if prevented { 1 } else { 2 });
        let coverage = json!({
            "resourceType": "Coverage", "status": "active", "beneficiary": {"reference": format!("Patient/{known}")},
            "payor": [{"display": "Aetna"}], "identifier": [{"system": "urn:frontdesk:coverage", "value": "c1"}],
        });
        body(test.create("Coverage", &coverage), StatusCode::CREATED).await;
        assert_eq!(test.found("Coverage", &[("beneficiary", &format!("Patient/{known}"))]).await["total"], 1);
        let related =
            json!({"resourceType": "RelatedPerson", "patient": {"reference": format!("Patient/{known}")}});
        body(test.create("RelatedPerson", &related), StatusCode::CREATED).await;
        assert_eq!(test.found("RelatedPerson", &[("patient", known)]).await["total"], 1);
    }
}

#[tokio::test]
async fn the_capability_statement_says_what_is_there() {
    let test = Test::start().await;
    let statement = body(test.get("metadata"), StatusCode::OK).await;
    assert_eq!(statement["fhirVersion"], "4.0.1");
    let kinds = statement["rest"][0]["resource"].as_array().expect("resources");
    assert_eq!(kinds.len(), Kind::ALL.len());
    let smart = body(test.get(".well-known/smart-configuration"), StatusCode::OK).await;
    assert_eq!(smart["token_endpoint"], test.sandbox.addresses().token_url.as_str());
}

#[tokio::test]
async fn the_same_seed_gives_the_same_ids() {
    let mut ids = Vec::new();
    for seed in [1, 1, 2] {
        let test = Test::with(|config| config.seed = seed).await;
        ids.push(body(test.create("Patient", &patient("p1")), StatusCode::CREATED).await["id"].clone());
    }
    assert_eq!(ids[0], ids[1]);
    assert_ne!(ids[0], ids[2]);
}
