//! The SMS provider.

use std::sync::Arc;

use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;

use super::app::{App, lock};
use super::faults::{Class, Interaction, Request, serve};
use super::http::{credential, finish, json_answer, problem};
use super::listener::Cutter;
use super::messages::Sent;

/// Longest text, in characters: what ten concatenated parts hold.
const MAX_BODY: usize = 1_530;

#[derive(Deserialize)]
struct Text {
    to: String,
    body: String,
    #[serde(default)]
    idempotency_key: Option<String>,
}

/// `POST /sms/messages`.
pub(crate) async fn send(
    State(app): State<Arc<App>>,
    ConnectInfo(cutter): ConnectInfo<Cutter>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let token = credential(&headers, &["Bearer"]);
    if token.is_none_or(|token| {
        token.is_empty() || app.sms_token.as_deref().is_some_and(|wanted| wanted != token)
    }) {
        return problem(StatusCode::UNAUTHORIZED, "unauthorized");
    }
    let Ok(text) = serde_json::from_slice::<Text>(&body) else {
        return problem(StatusCode::BAD_REQUEST, "invalid_request");
    };
    if !is_e164(&text.to) || text.body.is_empty() || text.body.chars().count() > MAX_BODY {
        return problem(StatusCode::BAD_REQUEST, "invalid_message");
    }
    let injection = app.faults.decide(&Request::plain(Class::Sms, Interaction::Send));
    let sender = Arc::clone(&app);
    let served = serve(injection, &app.stop, move || {
        let sent = lock(&sender.outbox).text(text.to, text.body, text.idempotency_key, sender.now());
        match sent {
            Sent::New(id) => json_answer(StatusCode::CREATED, &json!({"id": id})),
            Sent::Repeated(id) => json_answer(StatusCode::OK, &json!({"id": id})),
            Sent::Conflict => problem(StatusCode::CONFLICT, "idempotency_key_reused"),
            Sent::OptedOut => problem(StatusCode::UNPROCESSABLE_ENTITY, "recipient_opted_out"),
        }
    })
    .await;
    finish(&cutter, served, |status| problem(status, "unavailable"))
}

fn is_e164(number: &str) -> bool {
    let digits = number.strip_prefix('+').unwrap_or_default();
    (8..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}
