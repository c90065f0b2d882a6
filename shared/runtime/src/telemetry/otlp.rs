//! Traces to a collector: batched on a thread of their own, never in the way of a delivery.

use std::{sync::Arc, time::Duration};

use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig as _};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{Sampler, SdkTracerProvider, SpanData},
};

use super::Metrics;
use crate::{ConfigError, config::TelemetrySection};

/// A collector that takes longer than this is down.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The tracer provider. Without a collector nothing is sampled, and trace ids are still carried along.
pub(super) fn provider(
    name: &'static str,
    section: &TelemetrySection,
    metrics: &Arc<Metrics>,
) -> Result<SdkTracerProvider, ConfigError> {
    let builder =
        SdkTracerProvider::builder().with_resource(Resource::builder().with_service_name(name).build());
    let Some(endpoint) = &section.otlp_endpoint else {
        return Ok(builder.with_sampler(Sampler::AlwaysOff).build());
    };
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
        .with_timeout(TIMEOUT)
        .with_headers(std::collections::HashMap::new())
        .build()
        .map_err(|error| ConfigError::key("telemetry.otlp_endpoint", error.to_string()))?;
    let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(section.sample_ratio)));
    Ok(builder
        .with_sampler(sampler)
        .with_batch_exporter(Counted { exporter, metrics: metrics.clone() })
        .build())
}

/// Counts what the collector does not take; a log line for each would flood.
#[derive(Debug)]
struct Counted {
    exporter: SpanExporter,
    metrics: Arc<Metrics>,
}

impl opentelemetry_sdk::trace::SpanExporter for Counted {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let result = self.exporter.export(batch).await;
        if result.is_err() {
            self.metrics.trace_export_failures.add_one();
        }
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}
