//! Answers that carry one resource.

use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::outcome::{FHIR_JSON, outcome};
use super::prefer::Return;
use crate::sandbox::app::App;
use crate::sandbox::http::{answer, set};
use crate::sandbox::store::{Kind, Stored};

/// A resource with `ETag` and `Last-Modified`; with `Location` if it was created.
pub(super) fn resource(
    app: &App,
    status: StatusCode,
    kind: Kind,
    stored: &Stored,
    returns: Return,
) -> Response {
    let mut response = match returns {
        Return::Representation => answer(status, FHIR_JSON, Body::from(stored.body.clone())),
        Return::Minimal => status.into_response(),
        Return::OperationOutcome => outcome(status, "informational", "done", None),
    };
    set(&mut response, header::ETAG, &format!("W/\"{}\"", stored.version));
    set(&mut response, header::LAST_MODIFIED, &stored.at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string());
    if status == StatusCode::CREATED {
        let base = &app.addresses.fhir_url;
        let location = format!("{base}/{}/{}/_history/{}", kind.as_str(), stored.id, stored.version);
        set(&mut response, header::LOCATION, &location);
    }
    response
}
