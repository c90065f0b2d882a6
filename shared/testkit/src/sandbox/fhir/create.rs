//! Create, conditional if the client says so.

use std::sync::Arc;

use axum::extract::{ConnectInfo, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use serde_json::{Map, Value};

use super::outcome::outcome;
use super::prefer::{Prefer, Return};
use super::{admit, refuse, reply, validate};
use crate::sandbox::app::{App, lock};
use crate::sandbox::faults::{Class, Interaction, Request, pause, serve};
use crate::sandbox::http::{finish, pairs};
use crate::sandbox::listener::Cutter;
use crate::sandbox::oauth::Right;
use crate::sandbox::store::{Identity, Kind, Query, Store, identifier_of};

/// A create that was understood and noted, and waits to be carried out.
struct Create {
    kind: Kind,
    resource: Map<String, Value>,
    condition: Option<Query>,
    returns: Return,
    sequence: u64,
}

pub(super) async fn create(
    State(app): State<Arc<App>>,
    ConnectInfo(cutter): ConnectInfo<Cutter>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut create = match receive(&app, &name, &headers, &body) {
        Ok(create) => create,
        Err(response) => return *response,
    };
    let request = Request {
        class: Class::Ehr,
        interaction: Interaction::Create,
        resource: Some(create.kind.as_str()),
        conditional: create.condition.is_some(),
    };
    let injection = app.faults.decide(&request);
    if let Some(window) = injection.window {
        // What servers do whose conditional create is not atomic: look, and create a while later.
        if let Some(response) = existing(&app, &mut lock(&app.store), &mut create) {
            return response;
        }
        pause(&app.stop, window).await;
    }
    let committer = Arc::clone(&app);
    let served = serve(injection, &app.stop, move || carry_out(&committer, create)).await;
    finish(&cutter, served, refuse)
}

/// Checks a request and notes its arrival.
fn receive(app: &App, name: &str, headers: &HeaderMap, body: &Bytes) -> Result<Create, Box<Response>> {
    let kind = admit(app, headers, name, Right::Create)?;
    let resource = super::resource(kind, headers, body)?;
    let condition = headers.get("if-none-exist").map(|value| value.as_bytes().trim_ascii_start());
    let returns = Prefer::of(headers).returns;
    let value = Value::Object(resource);
    let identity = Identity {
        interaction: Interaction::Create,
        kind,
        identifier: identifier_of(&value),
        id: None,
        if_match: None,
        conditional: condition.is_some(),
    };
    let sequence = lock(&app.store).writes.arrive(identity, app.now());
    let Value::Object(resource) = value else { return Err(Box::new(refuse(StatusCode::BAD_REQUEST))) };
    let checked = validate::check(kind, &resource).and_then(|()| {
        let text = |bytes: &[u8]| bytes.strip_prefix(b"?").unwrap_or(bytes).to_vec();
        condition.map(|bytes| validate::condition(kind, &pairs(&text(bytes)))).transpose()
    });
    match checked {
        Ok(condition) => Ok(Create { kind, resource, condition, returns, sequence }),
        Err(response) => {
            lock(&app.store).writes.settle(sequence, response.status().as_u16(), None, false);
            Err(response)
        }
    }
}

/// The answer if the create has a condition and something meets it. The condition is used up.
fn existing(app: &App, store: &mut Store, create: &mut Create) -> Option<Response> {
    let condition = create.condition.take()?;
    let mut found = store.search(create.kind, &condition, None);
    let response = match (found.total, found.page.last()) {
        (0, _) => return None,
        (1, Some(stored)) => reply::resource(app, StatusCode::OK, create.kind, stored, create.returns),
        (total, _) => {
            let text = format!("{total} resources meet the condition {:?}", condition.applied);
            outcome(StatusCode::PRECONDITION_FAILED, "multiple-matches", &text, None)
        }
    };
    let stored = found.page.pop().filter(|_| found.total == 1);
    store.writes.settle(create.sequence, response.status().as_u16(), stored.as_ref(), false);
    Some(response)
}

fn carry_out(app: &App, mut create: Create) -> Response {
    let mut guard = lock(&app.store);
    let store = &mut *guard;
    if let Some(response) = existing(app, store, &mut create) {
        return response;
    }
    if let Err(response) = refused(app, store, &create) {
        store.writes.settle(create.sequence, response.status().as_u16(), None, false);
        return *response;
    }
    let stored = store.create(create.kind, create.resource, app.now());
    store.writes.settle(create.sequence, StatusCode::CREATED.as_u16(), Some(&stored), true);
    reply::resource(app, StatusCode::CREATED, create.kind, &stored, create.returns)
}

/// What the state of the server speaks against.
fn refused(app: &App, store: &Store, create: &Create) -> Result<(), Box<Response>> {
    if app.check_references {
        validate::check_references(store, &create.resource)?;
    }
    let slots = create.resource.get("slot").and_then(Value::as_array).into_iter().flatten();
    let mut slots = slots.filter_map(|slot| slot["reference"].as_str());
    if app.prevent_double_booking
        && create.kind == Kind::Appointment
        && slots.any(|slot| store.slot_taken(slot))
    {
        return Err(Box::new(outcome(StatusCode::CONFLICT, "conflict", "the slot is booked", None)));
    }
    Ok(())
}
