//! The boundary: every request gets a span, a correlation id and one line in the log; every refusal its document.

use std::sync::Arc;

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderValue},
    middleware::Next,
    response::Response,
};
use domain::CorrelationId;
use runtime::telemetry;
use tokio::time::Instant;
use tracing::{Span, field::Empty};

use crate::{app::App, problem::Refusal, sources::Source};

/// The request's span. It is entered when it is known who calls: until then nobody's trace is joined, and nobody says what is kept.
#[derive(Clone)]
pub(crate) struct Visit(Span);

impl Visit {
    /// The span of a request of this source, in the trace that it names.
    pub(crate) fn of(self, source: &Source, headers: &HeaderMap) -> Span {
        if let Some(parent) = headers.get("traceparent").and_then(|value| value.to_str().ok()) {
            telemetry::join(&self.0, parent);
        }
        self.0.record("frontdesk.source", source.name.as_str());
        self.0
    }
}

/// Wraps a request. Neither address nor body nor headers are logged: the route's template, the configured names of
/// source and clinic, and our own code say enough.
pub(crate) async fn around(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let correlation = CorrelationId::from_uuid(app.clock.fresh_id());
    let begin = Instant::now();
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    // Asked every few seconds, for nobody to read.
    let probe = route.starts_with("/health/");
    let span = tracing::info_span!(
        "request",
        otel.name = format!("{} {route}", method(&request)),
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = method(&request),
        http.route = route.as_str(),
        http.response.status_code = Empty,
        error.r#type = Empty,
        frontdesk.source = Empty,
        frontdesk.clinic = Empty,
        frontdesk.correlation = Empty,
    );
    request.extensions_mut().insert(Visit(span.clone()));
    let response = next.run(request).await;
    span.in_scope(|| {
        let (response, problem) = finish(response, correlation);
        let status = response.status();
        Span::current().record("http.response.status_code", status.as_u16());
        if status.is_server_error() {
            Span::current().record("otel.status_code", "ERROR");
        }
        if !probe {
            tracing::info!("gateway.answered");
            let route = ("route", route.as_str());
            let labels = [route, ("status", status.as_str()), ("problem", problem.unwrap_or("none"))];
            app.metrics.http_requests.add(&labels);
            app.metrics.http_duration.took(begin.elapsed(), &[route]);
        }
        response
    })
}

/// The response as it goes out, and the problem's code, if it is one.
fn finish(response: Response, request: CorrelationId) -> (Response, Option<&'static str>) {
    let Some(refusal) = response.extensions().get::<Refusal>().copied() else { return (response, None) };
    Span::current().record("error.type", refusal.kind.code());
    let correlation = refusal.correlation.unwrap_or(request).to_string();
    Span::current().record("frontdesk.correlation", correlation.as_str());
    let mut response = refusal.render(request);
    if let Ok(correlation) = HeaderValue::from_str(&correlation) {
        response.headers_mut().insert("x-correlation-id", correlation);
    }
    (response, Some(refusal.kind.code()))
}

/// Only methods that we know: a span's name must not be a sender's text.
fn method(request: &Request) -> &'static str {
    match request.method().as_str() {
        "GET" => "GET",
        "POST" => "POST",
        _ => "OTHER",
    }
}
