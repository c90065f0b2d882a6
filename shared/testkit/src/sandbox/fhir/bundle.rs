//! The `searchset` Bundle, written around the stored bodies without reading them again.

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::outcome::FHIR_JSON;
use crate::sandbox::http;
use crate::sandbox::store::{Found, Kind, Query};

pub(super) fn answer(base: &str, kind: Kind, query: &Query, found: &Found, next: Option<u64>) -> Response {
    let url = format!("{base}/{}", kind.as_str());
    let mut links = vec![json!({"relation": "self", "url": self_link(&url, query)})];
    if let Some(next) = next {
        links.push(json!({"relation": "next", "url": format!("{url}?_page={next}")}));
    }
    let head = json!({"resourceType": "Bundle", "type": "searchset", "total": found.total, "link": links});
    let mut body = head.to_string().into_bytes();
    if !found.page.is_empty() {
        body.pop();
        body.extend_from_slice(b",\"entry\":[");
        for (place, hit) in found.page.iter().enumerate() {
            if place > 0 {
                body.push(b',');
            }
            let full_url = Value::from(format!("{url}/{}", hit.id)).to_string();
            body.extend_from_slice(b"{\"fullUrl\":");
            body.extend_from_slice(full_url.as_bytes());
            body.extend_from_slice(b",\"resource\":");
            body.extend_from_slice(&hit.body);
            body.extend_from_slice(b",\"search\":{\"mode\":\"match\"}}");
        }
        body.extend_from_slice(b"]}");
    }
    http::answer(StatusCode::OK, FHIR_JSON, body)
}

/// The search as it was understood.
fn self_link(url: &str, query: &Query) -> String {
    if query.applied.is_empty() {
        return url.to_owned();
    }
    let mut pairs = form_urlencoded::Serializer::new(String::new());
    pairs.extend_pairs(&query.applied);
    format!("{url}?{}", pairs.finish())
}
