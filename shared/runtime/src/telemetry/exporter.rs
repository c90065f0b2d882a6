//! What the collector does not take is counted; a log line for each batch would flood, and no message waits for it.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use opentelemetry::{Context, KeyValue, metrics::Meter};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    metrics::{Temporality, data::ResourceMetrics, exporter::PushMetricExporter},
    trace::{Span, SpanData, SpanProcessor},
};

use super::catalogue;

/// What the collector did not get.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    traces: AtomicU64,
    metrics: AtomicU64,
    dropped: AtomicU64,
    /// Spans that were handed over and are not on their way yet.
    waiting: AtomicUsize,
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
        let failures = Arc::clone(self);
        meter
            .u64_observable_counter(catalogue::SPANS_DROPPED.name.trim_end_matches("_total"))
            .with_description(catalogue::SPANS_DROPPED.help.trim())
            .with_callback(move |observer| observer.observe(failures.dropped.load(Ordering::Relaxed), &[]))
            .build();
    }
}

/// Hands spans on while not too many wait, and counts what it drops: the queue behind it would drop them without a word.
pub(super) struct Bounded<P> {
    pub(super) inner: P,
    pub(super) failures: Arc<Failures>,
    /// Spans that may wait; the queue behind takes more.
    pub(super) most: usize,
}

impl<P> fmt::Debug for Bounded<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bounded").field("most", &self.most).finish_non_exhaustive()
    }
}

impl<P: SpanProcessor> SpanProcessor for Bounded<P> {
    fn on_start(&self, span: &mut Span, cx: &Context) {
        self.inner.on_start(span, cx);
    }

    fn on_end(&self, span: SpanData) {
        if self.failures.waiting.fetch_add(1, Ordering::Relaxed) < self.most {
            self.inner.on_end(span);
        } else {
            self.failures.waiting.fetch_sub(1, Ordering::Relaxed);
            self.failures.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
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
        self.failures.waiting.fetch_sub(batch.len(), Ordering::Relaxed);
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
