//! What the collector does not take is counted; a log line for each batch would flood, and no message waits for it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use opentelemetry::{KeyValue, metrics::Meter};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    metrics::{Temporality, data::ResourceMetrics, exporter::PushMetricExporter},
    trace::SpanData,
};

use super::catalogue;

/// Batches that were not taken.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    traces: AtomicU64,
    metrics: AtomicU64,
}

impl Failures {
    pub(super) fn tell(self: &Arc<Self>, meter: &Meter) {
        let failures = Arc::clone(self);
        meter
            .u64_observable_counter(catalogue::EXPORT_FAILURES.name.trim_end_matches("_total"))
            .with_description(catalogue::EXPORT_FAILURES.help.trim())
            .with_callback(move |observer| {
                let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
                observer.observe(of(&failures.traces), &[KeyValue::new("signal", "traces")]);
                observer.observe(of(&failures.metrics), &[KeyValue::new("signal", "metrics")]);
            })
            .build();
    }
}

/// An exporter whose failures are counted.
#[derive(Debug)]
pub(super) struct Counted<E> {
    pub(super) exporter: E,
    pub(super) failures: Arc<Failures>,
}

impl opentelemetry_sdk::trace::SpanExporter for Counted<opentelemetry_otlp::SpanExporter> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        if self.exporter.export(batch).await.is_err() {
            self.failures.traces.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

impl PushMetricExporter for Counted<opentelemetry_otlp::MetricExporter> {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        if self.exporter.export(metrics).await.is_err() {
            self.failures.metrics.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn temporality(&self) -> Temporality {
        self.exporter.temporality()
    }
}
