//! The control API under `/_sandbox`: faults, observation, reset. It needs no token: the listener is loopback only.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use bytes::Bytes;
use serde_json::{Value, json};

use super::app::{App, lock};
use super::error::SandboxError;
use super::faults::Rule;
use super::http::{answer, json_answer, lines};
use super::payer::Member;
use super::slots::SlotRow;
use super::store::Kind;

/// The routes of the control API.
pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/health/live", get(|| async { "live\n" }))
        .route("/_sandbox", get(async |State(app): State<Arc<App>>| Json(app.addresses.clone())))
        .route("/_sandbox/faults", get(report).put(replace).post(add).delete(clear))
        .route("/_sandbox/counts", get(async |State(app): State<Arc<App>>| Json(app.counts())))
        .route("/_sandbox/contents", get(contents).post(plant).delete(remove))
        .route("/_sandbox/writes", get(writes))
        .route("/_sandbox/messages", get(async |State(app): State<Arc<App>>| lines(lock(&app.outbox).all())))
        .route("/_sandbox/members", get(members).post(load_members))
        .route("/_sandbox/slots", post(load_slots))
        .route("/_sandbox/opt-outs", put(opt_outs))
        .route("/_sandbox/reset", post(reset))
}

fn wrong(text: &str) -> Response {
    json_answer(StatusCode::BAD_REQUEST, &json!({"error": text}))
}

async fn report(State(app): State<Arc<App>>) -> Response {
    Json(app.faults.report()).into_response()
}

/// Reads a list of rules.
fn rules(body: &[u8]) -> Result<Vec<Rule>, Box<Response>> {
    let rules: Vec<Rule> = serde_json::from_slice(body)
        .map_err(|error| Box::new(wrong(&format!("not a list of rules: {error}"))))?;
    for (index, rule) in rules.iter().enumerate() {
        rule.check().map_err(|reason| Box::new(wrong(&SandboxError::Rule { index, reason }.to_string())))?;
    }
    Ok(rules)
}

async fn replace(State(app): State<Arc<App>>, body: Bytes) -> Response {
    match rules(&body) {
        Ok(rules) => app.faults.replace(rules),
        Err(response) => return *response,
    }
    Json(app.faults.report()).into_response()
}

async fn add(State(app): State<Arc<App>>, body: Bytes) -> Response {
    match rules(&body) {
        Ok(rules) => app.faults.add(rules),
        Err(response) => return *response,
    }
    Json(app.faults.report()).into_response()
}

async fn clear(State(app): State<Arc<App>>) -> Response {
    app.faults.replace(Vec::new());
    Json(app.faults.report()).into_response()
}

async fn contents(State(app): State<Arc<App>>, Query(query): Query<HashMap<String, String>>) -> Response {
    let Some(kind) = query.get("type").and_then(|name| Kind::from_name(name)) else {
        return wrong("type must be one of Patient, Coverage, Slot, Appointment, RelatedPerson");
    };
    let all = lock(&app.store).all(kind);
    let mut body = Vec::with_capacity(all.iter().map(|one| one.len() + 1).sum());
    for one in all {
        body.extend_from_slice(&one);
        body.push(b'\n');
    }
    answer(StatusCode::OK, "application/x-ndjson", body)
}

/// Puts a resource in as somebody at the clinic would, past the FHIR server: no write is logged, and nothing is checked.
async fn plant(
    State(app): State<Arc<App>>,
    Query(query): Query<HashMap<String, String>>,
    body: Bytes,
) -> Response {
    let Some(kind) = query.get("type").and_then(|name| Kind::from_name(name)) else {
        return wrong("type must be one of Patient, Coverage, Slot, Appointment, RelatedPerson");
    };
    let Ok(Value::Object(resource)) = serde_json::from_slice(&body) else {
        return wrong("send a JSON object");
    };
    let stored = lock(&app.store).create(kind, resource, app.now());
    json_answer(StatusCode::CREATED, &json!({"id": stored.id}))
}

/// Takes a resource away with all its versions.
async fn remove(State(app): State<Arc<App>>, Query(query): Query<HashMap<String, String>>) -> Response {
    let kind = query.get("type").and_then(|name| Kind::from_name(name));
    match (kind, query.get("id")) {
        (Some(kind), Some(id)) if lock(&app.store).remove(kind, id) => StatusCode::NO_CONTENT.into_response(),
        (Some(_), Some(_)) => json_answer(StatusCode::NOT_FOUND, &json!({"error": "there is none"})),
        _ => wrong("say type and id"),
    }
}

async fn writes(State(app): State<Arc<App>>, Query(query): Query<HashMap<String, String>>) -> Response {
    let since = query.get("since").map_or(Ok(0), |text| text.parse());
    match since {
        Ok(since) => lines(lock(&app.store).writes.since(since)),
        Err(_) => wrong("since must be a number"),
    }
}

async fn members(State(app): State<Arc<App>>) -> Response {
    lines(&lock(&app.members).all())
}

async fn load_members(State(app): State<Arc<App>>, body: Bytes) -> Response {
    match Member::read_csv(body.as_ref()) {
        Ok(rows) => {
            let loaded = rows.len();
            lock(&app.members).add(rows);
            done(loaded)
        }
        Err(error) => wrong(&error.to_string()),
    }
}

async fn load_slots(State(app): State<Arc<App>>, body: Bytes) -> Response {
    match SlotRow::read_csv(body.as_ref()) {
        Ok(rows) => {
            let loaded = rows.len();
            app.offer(rows);
            done(loaded)
        }
        Err(error) => wrong(&error.to_string()),
    }
}

async fn opt_outs(State(app): State<Arc<App>>, body: Bytes) -> Response {
    match serde_json::from_slice::<Vec<String>>(&body) {
        Ok(numbers) => {
            let loaded = numbers.len();
            lock(&app.outbox).stop(numbers);
            done(loaded)
        }
        Err(_) => wrong("send a JSON list of telephone numbers"),
    }
}

async fn reset(State(app): State<Arc<App>>) -> Response {
    app.reset();
    StatusCode::NO_CONTENT.into_response()
}

fn done(loaded: usize) -> Response {
    let body: Value = json!({"loaded": loaded});
    json_answer(StatusCode::OK, &body)
}
