//! Answers over HTTP.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Serialize;
use serde_json::{Value, json};

use super::faults::Served;
use super::listener::Cutter;

/// A body with its content type.
pub(crate) fn answer(status: StatusCode, content_type: &'static str, body: impl Into<Body>) -> Response {
    (status, [(header::CONTENT_TYPE, content_type)], body.into()).into_response()
}

pub(crate) fn json_answer(status: StatusCode, value: &Value) -> Response {
    answer(status, "application/json", value.to_string())
}

/// A problem, in the few words that such APIs give.
pub(crate) fn problem(status: StatusCode, code: &str) -> Response {
    json_answer(status, &json!({"error": code}))
}

/// One JSON document a line.
pub(crate) fn lines<T: Serialize>(rows: &[T]) -> Response {
    let mut body = Vec::new();
    for row in rows {
        // Rows are plain structs with string keys: serialising them cannot fail.
        if serde_json::to_writer(&mut body, row).is_ok() {
            body.push(b'\n');
        }
    }
    answer(StatusCode::OK, "application/x-ndjson", body)
}

/// Sets a header if its value can be one.
pub(crate) fn set(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// A header's text, empty if it is absent.
pub(crate) fn text(headers: &HeaderMap, name: HeaderName) -> &str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// The token of `Authorization: <scheme> <token>`.
pub(crate) fn credential<'a>(headers: &'a HeaderMap, schemes: &[&str]) -> Option<&'a str> {
    let value = text(headers, header::AUTHORIZATION);
    let (scheme, token) = value.split_once(' ')?;
    schemes.iter().any(|known| known.eq_ignore_ascii_case(scheme)).then(|| token.trim())
}

/// The pairs of a query string or form.
pub(crate) fn pairs(text: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(text).into_owned().collect()
}

/// Turns what became of a request into what is sent. `refuse` makes the error bodies of this API.
pub(crate) fn finish(
    cutter: &Cutter,
    served: Served<Response>,
    refuse: fn(StatusCode) -> Response,
) -> Response {
    match served {
        Served::Answer(response) => response,
        Served::Refused { status, retry_after_s } => {
            let status = status.and_then(|status| StatusCode::from_u16(status).ok());
            let mut response = refuse(status.unwrap_or(StatusCode::SERVICE_UNAVAILABLE));
            if let Some(seconds) = retry_after_s {
                set(&mut response, header::RETRY_AFTER, &seconds.to_string());
            }
            response
        }
        Served::Garbage => {
            answer(StatusCode::OK, "application/json", Bytes::from_static(b"{\"resourceType\": \"Pat"))
        }
        Served::Unauthorized | Served::Aaa(_) => refuse(StatusCode::UNAUTHORIZED),
        Served::Cut => {
            cutter.cut();
            // Never leaves: the connection refuses every byte from here on.
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
