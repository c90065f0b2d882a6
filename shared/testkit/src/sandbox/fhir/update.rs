//! Update, guarded by `If-Match` if the client says so. There is no create by update.

use std::sync::Arc;

use axum::extract::{ConnectInfo, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use serde_json::{Map, Value};

use super::outcome::outcome;
use super::prefer::{Prefer, Return};
use super::{admit, refuse, reply, validate};
use crate::sandbox::app::{App, lock};
use crate::sandbox::faults::{Class, Interaction, Request, serve};
use crate::sandbox::http::finish;
use crate::sandbox::listener::Cutter;
use crate::sandbox::oauth::Right;
use crate::sandbox::store::{Identity, Kind, Refused, identifier_of};

struct Update {
    kind: Kind,
    id: String,
    resource: Map<String, Value>,
    if_match: Option<String>,
    returns: Return,
    sequence: u64,
}

pub(super) async fn update(
    State(app): State<Arc<App>>,
    ConnectInfo(cutter): ConnectInfo<Cutter>,
    Path((name, id)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let update = match receive(&app, &name, id, &headers, &body) {
        Ok(update) => update,
        Err(response) => return *response,
    };
    let request = Request {
        class: Class::Ehr,
        interaction: Interaction::Update,
        resource: Some(update.kind.as_str()),
        conditional: false,
    };
    let injection = app.faults.decide(&request);
    let committer = Arc::clone(&app);
    let served = serve(injection, &app.stop, move || carry_out(&committer, update)).await;
    finish(&cutter, served, refuse)
}

/// Checks a request and notes its arrival.
fn receive(
    app: &App,
    name: &str,
    id: String,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<Update, Box<Response>> {
    let kind = admit(app, headers, name, Right::Update)?;
    let value = Value::Object(super::resource(kind, headers, body)?);
    let if_match =
        headers.get(header::IF_MATCH).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let identity = Identity {
        interaction: Interaction::Update,
        kind,
        identifier: identifier_of(&value),
        id: Some(&id),
        if_match: if_match.as_deref(),
        conditional: false,
    };
    let sequence = lock(&app.store).writes.arrive(identity, app.now());
    let Value::Object(resource) = value else { return Err(Box::new(refuse(StatusCode::BAD_REQUEST))) };
    let same_id = resource.get("id").and_then(Value::as_str) == Some(id.as_str());
    let checked = if same_id {
        validate::check(kind, &resource)
    } else {
        Err(Box::new(outcome(StatusCode::BAD_REQUEST, "invalid", "the id in the body is another", None)))
    };
    if let Err(response) = checked {
        lock(&app.store).writes.settle(sequence, response.status().as_u16(), None, false);
        return Err(response);
    }
    Ok(Update { kind, id, resource, if_match, returns: Prefer::of(headers).returns, sequence })
}

fn carry_out(app: &App, update: Update) -> Response {
    let mut guard = lock(&app.store);
    let store = &mut *guard;
    let checked =
        if app.check_references { validate::check_references(store, &update.resource) } else { Ok(()) };
    if let Err(response) = checked {
        store.writes.settle(update.sequence, response.status().as_u16(), None, false);
        return *response;
    }
    let (kind, now) = (update.kind, app.now());
    match store.update(kind, &update.id, update.resource, update.if_match.as_deref(), now) {
        Ok(stored) => {
            store.writes.settle(update.sequence, StatusCode::OK.as_u16(), Some(&stored), true);
            reply::resource(app, StatusCode::OK, kind, &stored, update.returns)
        }
        Err(why) => {
            let (status, code, text) = match why {
                Refused::NotFound => {
                    (StatusCode::METHOD_NOT_ALLOWED, "not-supported", "there is no create by update")
                }
                Refused::Stale => {
                    (StatusCode::PRECONDITION_FAILED, "conflict", "If-Match names another version")
                }
            };
            store.writes.settle(update.sequence, status.as_u16(), None, false);
            outcome(status, code, text, None)
        }
    }
}
