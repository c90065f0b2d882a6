//! Logs as JSON lines on stdout, traces and metrics over OTLP, metrics for Prometheus.
//!
//! Rules: dotted field names; one event per fact, logged once, where the decision is made; never a payload. `docs/logging.md` has them all.

mod bounds;
pub mod catalogue;
mod exporter;
mod families;
mod filter;
pub(crate) mod ids;
mod instruments;
mod logs;
mod metrics;
mod otlp;
mod sampling;
pub(crate) mod spans;
mod trace;

use std::{sync::Arc, time::Duration};

use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::{Layer, Registry, layer::SubscriberExt, util::SubscriberInitExt};

pub use bounds::{OTHER, VALUES};
pub use families::{Families, Sample};
pub use instruments::{Counter, Gauge, Histogram, Labels, Standing};
pub use metrics::{Metrics, SETS};
pub use otlp::Origin;
pub use sampling::CORRELATION;
pub(crate) use trace::{Traceparent, adopt, send, trace_id};
pub use trace::{join, resume};

use crate::{ConfigError, config::TelemetrySection};

/// How long a collector is waited for at the end.
const LAST_WORD: Duration = Duration::from_secs(2);

/// Ends telemetry when dropped: what is buffered is sent, for a bounded time.
pub struct Telemetry {
    traces: SdkTracerProvider,
    metrics: Arc<Metrics>,
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        let _ = self.traces.shutdown_with_timeout(LAST_WORD);
        self.metrics.shut_down(LAST_WORD);
    }
}

/// Sets up logs and traces for the process. The first call counts.
///
/// # Errors
/// [`ConfigError`] if the filter or the collector's address cannot be used.
pub fn init(
    origin: &Origin,
    section: &TelemetrySection,
    metrics: &Arc<Metrics>,
) -> Result<Telemetry, ConfigError> {
    let filter = filter::configured(&section.log)?;
    let traces = otlp::provider(origin, section, metrics)?;
    let spans = tracing_opentelemetry::layer()
        .with_location(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        .with_tracer(traces.tracer("frontdesk"))
        .with_filter(filter::ours());
    let lines = logs::Lines::new(origin.service, std::io::stdout).with_filter(filter);
    // A second subscriber in one process is refused: a test may have set its own.
    let _ = Registry::default().with(spans).with(lines).try_init();
    Ok(Telemetry { traces, metrics: Arc::clone(metrics) })
}
