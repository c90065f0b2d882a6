//! Traces and metrics to a collector: batched on threads of their own, never in the way of a delivery.

use std::{sync::Arc, time::Duration};

use opentelemetry::KeyValue;
use opentelemetry_otlp::{MetricExporter, Protocol, SpanExporter, WithExportConfig, WithHttpConfig as _};
use opentelemetry_sdk::{
    Resource,
    metrics::PeriodicReader,
    trace::{BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider},
};
use reqwest::blocking::Client;

use super::{
    Metrics,
    exporter::{Bounded, Counted, Failures},
    ids::Ids,
    sampling::{Correlated, KeepErrors, Recorded},
};
use crate::{
    ConfigError,
    config::{TelemetrySection, tls_client},
};

/// A collector that takes longer than this is down.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Spans that wait for the collector at most; more are dropped, and counted.
const WAITING: usize = 16 * 1024;
const BATCH: usize = 512;

/// Who tells.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The service.
    pub service: &'static str,
    /// This life of this process.
    pub instance: String,
}

impl Origin {
    pub(super) fn resource(&self) -> Resource {
        Resource::builder()
            .with_service_name(self.service)
            .with_attributes([
                KeyValue::new("service.namespace", "frontdesk"),
                KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
                KeyValue::new("service.instance.id", self.instance.clone()),
            ])
            .build()
    }
}

/// Metrics on their way to a collector.
pub(super) struct Push {
    exporter: MetricExporter,
    every: Duration,
}

impl Push {
    pub(super) fn reader(self, failures: Arc<Failures>) -> PeriodicReader<Counted<MetricExporter>> {
        PeriodicReader::builder(Counted { exporter: self.exporter, failures })
            .with_interval(self.every)
            .build()
    }
}

fn address(endpoint: &str, signal: &str) -> String {
    format!("{}/v1/{signal}", endpoint.trim_end_matches('/'))
}

fn bad(error: &impl ToString) -> ConfigError {
    ConfigError::key("telemetry.otlp_endpoint", error.to_string())
}

/// A client that follows the section's files; `None` where there is no TLS: the exporter then makes its own.
fn client(endpoint: &str, section: &TelemetrySection) -> Result<Option<Client>, ConfigError> {
    if !endpoint.to_ascii_lowercase().starts_with("https://") {
        return Ok(None);
    }
    let tls = tls_client("telemetry", section.tls())?;
    // A blocking client cannot be made where tasks run, and the exporters work on threads of their own.
    let made =
        std::thread::spawn(move || Client::builder().timeout(TIMEOUT).tls_backend_preconfigured(tls).build());
    match made.join() {
        Ok(made) => made.map(Some).map_err(|error| bad(&error)),
        Err(_) => Err(bad(&"no client for it can be made")),
    }
}

/// `None` without a collector.
pub(super) fn push(section: &TelemetrySection) -> Result<Option<Push>, ConfigError> {
    let Some(endpoint) = &section.otlp_endpoint else { return Ok(None) };
    let mut builder = MetricExporter::builder().with_http();
    if let Some(client) = client(endpoint, section)? {
        builder = builder.with_http_client(client);
    }
    let exporter = builder
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(address(endpoint, "metrics"))
        .with_timeout(TIMEOUT)
        .with_headers(std::collections::HashMap::new())
        .build()
        .map_err(|error| bad(&error))?;
    Ok(Some(Push { exporter, every: Duration::from_secs(section.metrics_every_s) }))
}

/// The tracer provider. Without a collector nothing is sampled, and trace ids are still carried along.
pub(super) fn provider(
    origin: &Origin,
    section: &TelemetrySection,
    metrics: &Metrics,
) -> Result<SdkTracerProvider, ConfigError> {
    let builder = SdkTracerProvider::builder().with_resource(origin.resource());
    let Some(endpoint) = &section.otlp_endpoint else {
        // A trace that is gone on with keeps its id all the same.
        return Ok(builder.with_sampler(Sampler::AlwaysOff).with_id_generator(Ids::default()).build());
    };
    let mut http = SpanExporter::builder().with_http();
    if let Some(client) = client(endpoint, section)? {
        http = http.with_http_client(client);
    }
    let exporter = http
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(address(endpoint, "traces"))
        .with_timeout(TIMEOUT)
        .with_headers(std::collections::HashMap::new())
        .build()
        .map_err(|error| bad(&error))?;
    let batches = BatchSpanProcessor::builder(Counted { exporter, failures: Arc::clone(metrics.failures()) })
        .with_batch_config(
            BatchConfigBuilder::default()
                // Never full: what it would drop nobody counts.
                .with_max_queue_size(WAITING + BATCH)
                .with_max_export_batch_size(BATCH)
                .with_scheduled_delay(Duration::from_secs(1))
                .build(),
        )
        .build();
    let batches = Bounded { inner: batches, failures: Arc::clone(metrics.failures()), most: WAITING };
    let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(section.sample_ratio)));
    Ok(builder
        .with_sampler(Recorded(sampler))
        .with_id_generator(Ids::default())
        .with_span_processor(Correlated)
        .with_span_processor(KeepErrors(batches))
        .build())
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{Tracer as _, TracerProvider as _};

    use super::{BATCH, Origin, TelemetrySection, WAITING, provider};
    use crate::telemetry::Metrics;

    #[test]
    fn a_collector_that_is_down_costs_a_counter() {
        let origin = Origin { service: "test", instance: "1".to_owned() };
        let section = TelemetrySection {
            otlp_endpoint: Some("http://127.0.0.1:1".to_owned()),
            ..TelemetrySection::default()
        };
        let metrics = Metrics::new(origin.clone(), &section).unwrap();
        let failed = |signal: &str, number: u32| {
            let line =
                format!("frontdesk_export_failures_total{{signal=\"{signal}\",service=\"test\"}} {number}");
            let text = metrics.render();
            assert!(text.lines().any(|one| one == line), "{line} in {text}");
        };
        failed("traces", 0);
        let traces = provider(&origin, &section, &metrics).unwrap();
        traces.tracer("test").in_span("work", |_| {});
        traces.force_flush().unwrap();
        failed("traces", 1);
        metrics.flush();
        failed("metrics", 1);
    }

    #[test]
    fn spans_that_too_many_wait_before_are_counted() {
        // Takes connections, and never answers.
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = Origin { service: "test", instance: "1".to_owned() };
        let section = TelemetrySection {
            otlp_endpoint: Some(format!("http://{}", silent.local_addr().unwrap())),
            ..TelemetrySection::default()
        };
        let metrics = Metrics::new(origin.clone(), &section).unwrap();
        let traces = provider(&origin, &section, &metrics).unwrap();
        let tracer = traces.tracer("test");
        let told = || -> usize {
            let text = metrics.render();
            let line = text.lines().find_map(|line| line.strip_prefix("frontdesk_spans_dropped_total{"));
            line.unwrap().rsplit(' ').next().unwrap().parse().unwrap()
        };
        assert_eq!(told(), 0, "told before any is dropped");
        let began = WAITING + 2 * BATCH + 100;
        (0..began).for_each(|_| tracer.in_span("work", |_| {}));
        let dropped = told();
        // One batch at most is on its way at a time.
        assert!((began - WAITING - BATCH..=began - WAITING).contains(&dropped), "{dropped}");
        let _ = traces.shutdown_with_timeout(std::time::Duration::ZERO);
    }
}
