//! Logs as JSON lines on stdout, traces over OTLP, counters for Prometheus.
//!
//! Rules: dotted field names; one event per fact, logged once, where the decision is made; never a payload.

mod families;
mod logs;
mod metrics;
mod otlp;
mod trace;

use std::sync::Arc;

use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::{Layer, Registry, layer::SubscriberExt, util::SubscriberInitExt};

pub use families::{Families, Sample};
pub use metrics::{Counter, Gauge, Metrics};
pub(crate) use trace::{Traceparent, adopt, current, trace_id};

use crate::{ConfigError, config::TelemetrySection};

/// Ends tracing when dropped: what is buffered is sent, for a bounded time.
pub struct Telemetry(SdkTracerProvider);

impl Drop for Telemetry {
    fn drop(&mut self) {
        let _ = self.0.shutdown_with_timeout(std::time::Duration::from_secs(2));
    }
}

/// Sets up logs and traces for the process. The first call counts.
///
/// # Errors
/// [`ConfigError`] if the filter or the collector's address cannot be used.
pub fn init(
    name: &'static str,
    section: &TelemetrySection,
    metrics: &Arc<Metrics>,
) -> Result<Telemetry, ConfigError> {
    let filter = logs::filter(&section.log)?;
    let provider = otlp::provider(name, section, metrics)?;
    let traces = tracing_opentelemetry::layer().with_tracer(provider.tracer(name)).with_filter(logs::ours());
    let logs = logs::layer(std::io::stdout).with_filter(filter);
    // A second subscriber in one process is refused: a test may have set its own.
    let _ = Registry::default().with(traces).with(logs).try_init();
    Ok(Telemetry(provider))
}
