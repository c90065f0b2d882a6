//! The boundary: every request gets a span, a correlation id and one line in the log; every refusal its document.

use std::sync::Arc;

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderValue},
    middleware::Next,
    response::Response,
};
use domain::CorrelationId;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::{Instrument, Span, field::Empty};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::{app::App, problem::Refusal};

/// Wraps a request. Neither address nor body nor headers are logged: the route's template, the configured names of
/// source and clinic, and our own code say enough.
pub(crate) async fn around(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let correlation = CorrelationId::from_uuid(app.clock.fresh_id());
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str).to_owned();
    // Asked every few seconds, for nobody to read.
    let probe = route.starts_with("/health/");
    let span = tracing::info_span!(
        "request",
        otel.name = format!("{} {route}", method(&request)),
        otel.kind = "server",
        http.route = route,
        http.response.status_code = Empty,
        error.r#type = Empty,
        frontdesk.source = Empty,
        frontdesk.clinic = Empty,
        frontdesk.correlation = Empty,
    );
    let parent = TraceContextPropagator::new().extract(&Headers(request.headers()));
    // Fails only where no telemetry is set up: then there is nothing to join.
    let _ = span.set_parent(parent);
    async move {
        let response = finish(next.run(request).await, correlation);
        Span::current().record("http.response.status_code", response.status().as_u16());
        if !probe {
            tracing::info!("gateway.answered");
        }
        response
    }
    .instrument(span)
    .await
}

fn finish(response: Response, request: CorrelationId) -> Response {
    let Some(refusal) = response.extensions().get::<Refusal>().copied() else { return response };
    Span::current().record("error.type", refusal.kind.code());
    let correlation = refusal.correlation.unwrap_or(request).to_string();
    Span::current().record("frontdesk.correlation", correlation.as_str());
    let mut response = refusal.render(request);
    if let Ok(correlation) = HeaderValue::from_str(&correlation) {
        response.headers_mut().insert("x-correlation-id", correlation);
    }
    response
}

/// Only methods that we know: a span's name must not be a sender's text.
fn method(request: &Request) -> &'static str {
    match request.method().as_str() {
        "GET" => "GET",
        "POST" => "POST",
        _ => "OTHER",
    }
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(|name| name.as_str()).collect()
    }
}
