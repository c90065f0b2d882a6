//! The narrow profile: what US Core and R4 demand of the resources that an intake writes.

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value};

use super::outcome::outcome;
use crate::sandbox::store::{Kind, Query, Store, Strictness};

/// What is wrong with a resource: an element's path and an issue code.
type Flaw = (&'static str, &'static str);

/// Checks a resource of a kind.
pub(super) fn check(kind: Kind, resource: &Map<String, Value>) -> Result<(), Box<Response>> {
    let body = Value::Object(resource.clone());
    let flaw = match kind {
        Kind::Patient => patient(&body),
        Kind::Coverage => coverage(&body),
        Kind::Slot => slot(&body),
        Kind::Appointment => appointment(&body),
        Kind::RelatedPerson => referenced(&body["patient"], "RelatedPerson.patient"),
    };
    flaw.map_err(|(path, code)| {
        let quoted: String = body.to_string().chars().take(300).collect();
        let text = format!("{path}: {code}, in {quoted}");
        Box::new(outcome(StatusCode::UNPROCESSABLE_ENTITY, code, &text, Some(path)))
    })
}

/// Checks that the Patients and Slots it refers to are there.
pub(super) fn check_references(store: &Store, resource: &Map<String, Value>) -> Result<(), Box<Response>> {
    for reference in references(resource) {
        let Some((kind, id)) = reference.split_once('/') else { continue };
        let Some(kind) = Kind::from_name(kind) else { continue };
        if store.read(kind, id).is_none() {
            let text = format!("{reference} is not known here");
            return Err(Box::new(outcome(StatusCode::BAD_REQUEST, "not-found", &text, None)));
        }
    }
    Ok(())
}

/// Relative references at the places where these resources have them.
fn references(resource: &Map<String, Value>) -> Vec<&str> {
    let mut found = Vec::new();
    for name in ["beneficiary", "patient", "subscriber", "slot", "payor", "participant"] {
        let Some(value) = resource.get(name) else { continue };
        let single = std::slice::from_ref(value);
        for one in value.as_array().map_or(single, Vec::as_slice) {
            let reference = one["reference"].as_str().or_else(|| one["actor"]["reference"].as_str());
            found.extend(reference.filter(|text| !text.contains(':')));
        }
    }
    found
}

/// The condition of `If-None-Exist`, which must be a search that the server fully understands.
pub(super) fn condition(kind: Kind, pairs: &[(String, String)]) -> Result<Query, Box<Response>> {
    let query = Query::parse(kind, pairs, Strictness::Strict);
    query.ok().filter(|query| !query.terms.is_empty()).ok_or_else(|| {
        let text = "If-None-Exist is not a search that is supported";
        Box::new(outcome(StatusCode::PRECONDITION_FAILED, "invalid", text, None))
    })
}

fn required(present: bool, path: &'static str) -> Result<(), Flaw> {
    if present { Ok(()) } else { Err((path, "required")) }
}

fn coded(value: &Value, path: &'static str, codes: &[&str]) -> Result<(), Flaw> {
    required(value.is_string(), path)?;
    if value.as_str().is_some_and(|code| codes.contains(&code)) {
        Ok(())
    } else {
        Err((path, "code-invalid"))
    }
}

fn referenced(value: &Value, path: &'static str) -> Result<(), Flaw> {
    required(value["reference"].is_string() || value["identifier"].is_object(), path)
}

fn filled(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.trim().is_empty())
}

fn each(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn instant(value: &Value, path: &'static str) -> Result<jiff::Timestamp, Flaw> {
    required(value.is_string(), path)?;
    value.as_str().and_then(|text| text.parse().ok()).ok_or((path, "value"))
}

fn period(body: &Value, start: &'static str, end: &'static str) -> Result<(), Flaw> {
    let begins = instant(&body["start"], start)?;
    let ends = instant(&body["end"], end)?;
    if begins < ends { Ok(()) } else { Err((end, "invariant")) }
}

fn patient(body: &Value) -> Result<(), Flaw> {
    let identified = |one: &Value| filled(&one["system"]) && filled(&one["value"]);
    required(each(&body["identifier"]).next().is_some(), "Patient.identifier")?;
    required(each(&body["identifier"]).all(identified), "Patient.identifier.value")?;
    let named = |name: &Value| filled(&name["family"]) || each(&name["given"]).any(filled);
    required(each(&body["name"]).any(named), "Patient.name")?;
    coded(&body["gender"], "Patient.gender", &["male", "female", "other", "unknown"])?;
    match &body["birthDate"] {
        Value::Null => Ok(()),
        Value::String(date) if date.parse::<jiff::civil::Date>().is_ok() => Ok(()),
        _ => Err(("Patient.birthDate", "value")),
    }
}

fn coverage(body: &Value) -> Result<(), Flaw> {
    coded(&body["status"], "Coverage.status", &["active", "cancelled", "draft", "entered-in-error"])?;
    referenced(&body["beneficiary"], "Coverage.beneficiary")?;
    required(each(&body["payor"]).next().is_some(), "Coverage.payor")
}

fn slot(body: &Value) -> Result<(), Flaw> {
    referenced(&body["schedule"], "Slot.schedule")?;
    let codes = ["busy", "free", "busy-unavailable", "busy-tentative", "entered-in-error"];
    coded(&body["status"], "Slot.status", &codes)?;
    period(body, "Slot.start", "Slot.end")
}

fn appointment(body: &Value) -> Result<(), Flaw> {
    let codes = [
        "proposed",
        "pending",
        "booked",
        "arrived",
        "fulfilled",
        "cancelled",
        "noshow",
        "entered-in-error",
        "checked-in",
        "waitlist",
    ];
    coded(&body["status"], "Appointment.status", &codes)?;
    required(each(&body["participant"]).next().is_some(), "Appointment.participant")?;
    let statuses = ["accepted", "declined", "tentative", "needs-action"];
    for participant in each(&body["participant"]) {
        coded(&participant["status"], "Appointment.participant.status", &statuses)?;
    }
    period(body, "Appointment.start", "Appointment.end")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{appointment, coverage, patient, slot};

    fn without(mut body: Value, name: &str) -> Value {
        body.as_object_mut().map(|fields| fields.remove(name));
        body
    }

    #[test]
    fn demands_what_the_profiles_demand() {
        let full = json!({"identifier": [{"system": "s", "value": "v"}], "name": [{"family": "F"}], "gender": "other"});
        assert_eq!(patient(&full), Ok(()));
        for name in ["identifier", "name", "gender"] {
            assert!(patient(&without(full.clone(), name)).is_err(), "{name}");
        }
        let full = json!({"status": "active", "beneficiary": {"reference": "Patient/1"}, "payor": [{"display": "x"}]});
        assert_eq!(coverage(&full), Ok(()));
        for name in ["status", "beneficiary", "payor"] {
            assert!(coverage(&without(full.clone(), name)).is_err(), "{name}");
        }
        let times = json!({"start": "2027-01-01T10:00:00Z", "end": "2027-01-01T10:20:00Z"});
        let mut full = times.clone();
        full["status"] = json!("booked");
        full["participant"] = json!([{"actor": {"reference": "Patient/1"}, "status": "accepted"}]);
        assert_eq!(appointment(&full), Ok(()));
        for name in ["status", "participant", "start", "end"] {
            assert!(appointment(&without(full.clone(), name)).is_err(), "{name}");
        }
        let mut full = times;
        full["status"] = json!("free");
        full["schedule"] = json!({"reference": "Schedule/p"});
        assert_eq!(slot(&full), Ok(()));
        full["status"] = json!("taken");
        assert_eq!(slot(&full), Err(("Slot.status", "code-invalid")));
    }
}
