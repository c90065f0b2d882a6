//! The client span of an exchange, by OpenTelemetry's conventions for HTTP. No address: it may hold ids, and a search in it people.

use reqwest::Request;
use tracing::{Span, field::Empty, info_span};

use super::{Answer, Missed};

/// None where no trace is at work, as when EHRs are asked for a reconciliation.
pub(super) fn of(request: &Request, template: &str) -> Span {
    if Span::current().is_none() {
        return Span::none();
    }
    let (method, url) = (request.method().as_str(), request.url());
    info_span!(
        "http",
        otel.name = format!("{method} {template}"),
        otel.kind = "client",
        otel.status_code = Empty,
        http.request.method = method,
        url.template = template,
        server.address = url.host_str(),
        server.port = url.port_or_known_default(),
        http.response.status_code = Empty,
        error.r#type = Empty,
    )
}

pub(super) fn end(span: &Span, result: &Result<Answer, Missed>) {
    let failure = match result {
        Ok(answer) => {
            span.record("http.response.status_code", answer.status);
            match answer {
                Answer { status: 400.., .. } => "status",
                Answer { body: None, .. } => "cut_off",
                Answer { .. } => return,
            }
        }
        Err(Missed::NotSent) => "not_sent",
        Err(Missed::Unknown) => "no_answer",
    };
    span.record("otel.status_code", "ERROR");
    span.record("error.type", failure);
}
