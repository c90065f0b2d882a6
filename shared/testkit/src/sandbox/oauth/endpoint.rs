//! `POST /oauth/token`.

use std::sync::Arc;

use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use serde_json::json;

use super::{Authority, Scopes};
use crate::sandbox::app::App;
use crate::sandbox::faults::{Class, Interaction, Request, serve};
use crate::sandbox::http::{finish, json_answer, pairs, problem, set, text};
use crate::sandbox::listener::Cutter;

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Why no token is given (RFC 6749, 5.2).
struct Denied {
    error: &'static str,
    description: &'static str,
}

pub(crate) async fn token(
    State(app): State<Arc<App>>,
    ConnectInfo(cutter): ConnectInfo<Cutter>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let injection = app.faults.decide(&Request::plain(Class::Token, Interaction::Token));
    let grantor = Arc::clone(&app);
    let form = text(&headers, header::CONTENT_TYPE).starts_with("application/x-www-form-urlencoded");
    let served = serve(injection, &app.stop, move || {
        let asked = if form { pairs(&body) } else { Vec::new() };
        let mut response = match grant(&grantor.authority, &asked, &grantor) {
            Ok((token, scopes)) => json_answer(
                StatusCode::OK,
                &json!({
                    "access_token": token,
                    "token_type": "bearer",
                    "expires_in": grantor.authority.token_ttl.as_secs(),
                    "scope": scopes,
                }),
            ),
            Err(denied) => {
                let status = if denied.error == "invalid_client" {
                    StatusCode::UNAUTHORIZED
                } else {
                    StatusCode::BAD_REQUEST
                };
                json_answer(status, &json!({"error": denied.error, "error_description": denied.description}))
            }
        };
        set(&mut response, header::CACHE_CONTROL, "no-store");
        response
    })
    .await;
    finish(&cutter, served, |status| problem(status, "temporarily_unavailable"))
}

fn grant(authority: &Authority, asked: &[(String, String)], app: &App) -> Result<(String, String), Denied> {
    let field = |name: &str| {
        asked.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str()).unwrap_or_default()
    };
    let denied = |error, description| Denied { error, description };
    if field("grant_type") != "client_credentials" {
        return Err(denied("unsupported_grant_type", "grant_type must be client_credentials, in a form"));
    }
    if field("client_assertion_type") != ASSERTION_TYPE {
        return Err(denied("invalid_request", "client_assertion_type must be the JWT bearer type"));
    }
    let now = app.now();
    let client = authority
        .verify(field("client_assertion"), now)
        .map_err(|description| denied("invalid_client", description))?;
    let scopes = client.scopes.and(&Scopes::parse(field("scope")));
    if scopes.is_empty() {
        return Err(denied("invalid_scope", "none of these scopes is registered for the client"));
    }
    let text = scopes.text();
    Ok((authority.issue(scopes, now), text))
}
