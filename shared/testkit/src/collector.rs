//! A collector for tests: takes what OTLP over HTTP brings, and shows it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{Router, body::Bytes, extract::State, http::StatusCode, routing::post};
use opentelemetry_proto::tonic::{
    collector::{metrics::v1::ExportMetricsServiceRequest, trace::v1::ExportTraceServiceRequest},
    common::v1::{AnyValue, KeyValue, any_value::Value},
    resource::v1::Resource,
    trace::v1 as wire,
};
use prost::Message as _;
use tokio::{net::TcpListener, task::JoinHandle};

/// A span that was exported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// `service.name` of its process.
    pub service: String,
    /// Its name.
    pub name: String,
    /// `internal`, `server`, `client`, `producer` or `consumer`.
    pub kind: &'static str,
    /// The trace's id, hexadecimal.
    pub trace: String,
    /// Its id, hexadecimal.
    pub id: String,
    /// The parent's id, if it has one.
    pub parent: Option<String>,
    /// Trace and id of what it is linked to.
    pub links: Vec<(String, String)>,
    /// Its attributes as texts.
    pub attributes: BTreeMap<String, String>,
    /// Whether it failed.
    pub failed: bool,
    /// Nanoseconds since 1970.
    pub begin: u64,
    /// The same.
    pub end: u64,
}

impl Span {
    /// An attribute; empty if it has none of that name.
    pub fn attribute(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }
}

#[derive(Default)]
struct Taken {
    spans: Vec<Span>,
    metrics: BTreeSet<(String, String)>,
}

/// Listens until it is dropped.
pub struct Collector {
    url: String,
    taken: Arc<Mutex<Taken>>,
    task: JoinHandle<()>,
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Collector {
    /// Starts one on a free port of this machine.
    ///
    /// # Errors
    /// If it cannot listen.
    pub async fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let taken = Arc::new(Mutex::new(Taken::default()));
        let app = Router::new()
            .route("/v1/traces", post(traces))
            .route("/v1/metrics", post(metrics))
            .with_state(Arc::clone(&taken));
        let task = tokio::spawn(async move {
            // Ends with the test.
            let _ = axum::serve(listener, app).await;
        });
        Ok(Self { url, taken, task })
    }

    /// What `telemetry.otlp_endpoint` is to be.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// All spans so far.
    pub fn spans(&self) -> Vec<Span> {
        lock(&self.taken).spans.clone()
    }

    /// Service and name of every metric that was pushed so far.
    pub fn metrics(&self) -> BTreeSet<(String, String)> {
        lock(&self.taken).metrics.clone()
    }
}

fn lock(taken: &Mutex<Taken>) -> MutexGuard<'_, Taken> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn traces(State(taken): State<Arc<Mutex<Taken>>>, body: Bytes) -> StatusCode {
    let Ok(request) = ExportTraceServiceRequest::decode(body) else { return StatusCode::BAD_REQUEST };
    for resource in request.resource_spans {
        let service = service(resource.resource.as_ref());
        let spans = resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
        lock(&taken).spans.extend(spans.map(|span| read(&service, span)));
    }
    StatusCode::OK
}

async fn metrics(State(taken): State<Arc<Mutex<Taken>>>, body: Bytes) -> StatusCode {
    let Ok(request) = ExportMetricsServiceRequest::decode(body) else { return StatusCode::BAD_REQUEST };
    for resource in request.resource_metrics {
        let service = service(resource.resource.as_ref());
        let metrics = resource.scope_metrics.into_iter().flat_map(|scope| scope.metrics);
        lock(&taken).metrics.extend(metrics.map(|metric| (service.clone(), metric.name)));
    }
    StatusCode::OK
}

fn service(resource: Option<&Resource>) -> String {
    let attributes = resource.map(|resource| texts(&resource.attributes)).unwrap_or_default();
    attributes.get("service.name").cloned().unwrap_or_default()
}

fn read(service: &str, span: wire::Span) -> Span {
    use wire::{span::SpanKind, status::StatusCode};
    let kind = match span.kind() {
        SpanKind::Server => "server",
        SpanKind::Client => "client",
        SpanKind::Producer => "producer",
        SpanKind::Consumer => "consumer",
        SpanKind::Internal | SpanKind::Unspecified => "internal",
    };
    Span {
        service: service.to_owned(),
        kind,
        trace: hex(&span.trace_id),
        id: hex(&span.span_id),
        parent: Some(hex(&span.parent_span_id)).filter(|id| !id.is_empty()),
        links: span.links.iter().map(|link| (hex(&link.trace_id), hex(&link.span_id))).collect(),
        attributes: texts(&span.attributes),
        failed: span.status.as_ref().is_some_and(|status| status.code() == StatusCode::Error),
        begin: span.start_time_unix_nano,
        end: span.end_time_unix_nano,
        name: span.name,
    }
}

fn texts(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |value: &AnyValue| match &value.value {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::DoubleValue(number)) => number.to_string(),
        Some(Value::BoolValue(truth)) => truth.to_string(),
        _ => String::new(),
    };
    attributes.iter().map(|one| (one.key.clone(), one.value.as_ref().map(text).unwrap_or_default())).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
