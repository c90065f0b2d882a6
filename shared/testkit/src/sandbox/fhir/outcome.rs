//! `OperationOutcome`.

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::super::http::answer;

/// Media type of FHIR JSON.
pub(super) const FHIR_JSON: &str = "application/fhir+json; charset=utf-8";

/// An answer that is an `OperationOutcome` of one issue.
///
/// `diagnostics` may quote what the client sent, values included, because real servers do: a client
/// that logs it leaks, and tests with planted values are to find that.
pub(super) fn outcome(
    status: StatusCode,
    code: &str,
    diagnostics: &str,
    expression: Option<&str>,
) -> Response {
    let severity = if status.is_success() { "information" } else { "error" };
    let mut issue = json!({"severity": severity, "code": code, "diagnostics": diagnostics});
    if let Some(path) = expression {
        issue["expression"] = json!([path]);
    }
    let body: Value = json!({"resourceType": "OperationOutcome", "issue": [issue]});
    answer(status, FHIR_JSON, body.to_string())
}
