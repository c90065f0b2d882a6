//! The FHIR R4 server under `/fhir`.

mod bundle;
mod capability;
mod create;
mod outcome;
mod prefer;
mod read;
mod reply;
mod search;
mod update;
mod validate;

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::{Map, Value};

pub(crate) use search::Cursors;

use super::app::App;
use super::http;
use super::oauth::Right;
use super::store::Kind;
use outcome::outcome;

/// The routes of the server.
pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/fhir/metadata", get(capability::metadata))
        .route("/fhir/.well-known/smart-configuration", get(capability::smart))
        .route("/fhir/{kind}", get(search::by_get).post(create::create))
        .route("/fhir/{kind}/_search", post(search::by_post))
        .route("/fhir/{kind}/{id}", get(read::read).put(update::update))
        .route("/fhir/{kind}/{id}/_history/{version}", get(read::version))
        .method_not_allowed_fallback(|| async {
            outcome(
                StatusCode::METHOD_NOT_ALLOWED,
                "not-supported",
                "this interaction is not supported",
                None,
            )
        })
        .fallback(|| async { outcome(StatusCode::NOT_FOUND, "not-found", "there is nothing here", None) })
}

/// The kind of this name, if the token (where one is needed) has the right to do this to it.
fn admit(app: &App, headers: &HeaderMap, name: &str, right: Right) -> Result<Kind, Box<Response>> {
    let Some(kind) = Kind::from_name(name) else {
        let text = format!("resource type {name} is not supported");
        return Err(Box::new(outcome(StatusCode::NOT_FOUND, "not-supported", &text, None)));
    };
    let token = http::credential(headers, &["Bearer"]);
    match app.authority.allows(token, kind, right, app.now()) {
        Ok(()) => Ok(kind),
        Err(status) => Err(Box::new(refuse(status))),
    }
}

/// The `OperationOutcome` of a status alone.
fn refuse(status: StatusCode) -> Response {
    let code = match status {
        StatusCode::UNAUTHORIZED => "login",
        StatusCode::FORBIDDEN => "forbidden",
        StatusCode::TOO_MANY_REQUESTS => "throttled",
        StatusCode::CONFLICT => "conflict",
        _ if status.is_server_error() => "transient",
        _ => "processing",
    };
    let mut response = outcome(status, code, status.canonical_reason().unwrap_or("error"), None);
    if status == StatusCode::UNAUTHORIZED {
        http::set(&mut response, header::WWW_AUTHENTICATE, "Bearer");
    }
    response
}

/// Reads a resource of a kind from a request body.
fn resource(kind: Kind, headers: &HeaderMap, body: &[u8]) -> Result<Map<String, Value>, Box<Response>> {
    let bad = |status, code, text: &str| Err(Box::new(outcome(status, code, text, None)));
    let content_type = http::text(headers, header::CONTENT_TYPE);
    if !content_type.contains("json") {
        return bad(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not-supported", "send application/fhir+json");
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(resource)) if resource.get("resourceType") == Some(&Value::from(kind.as_str())) => {
            Ok(resource)
        }
        Ok(_) => bad(StatusCode::BAD_REQUEST, "invalid", "the body is not a resource of this type"),
        Err(_) => bad(StatusCode::BAD_REQUEST, "structure", "the body is not JSON"),
    }
}
