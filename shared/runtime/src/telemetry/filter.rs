//! What is logged and traced, and what never is, whatever the configuration says.

use tracing::{Metadata, Subscriber};
use tracing_subscriber::{
    EnvFilter,
    filter::{FilterExt, FilterFn, filter_fn},
    layer::Filter,
    registry::LookupSpan,
};

use crate::ConfigError;

/// Crates whose events carry frames and returned messages with their bodies (`lapin`), statements (`tokio_postgres`), or addresses of what is
/// asked (the HTTP clients). What they tell that matters is told by our own events.
const SILENT: [&str; 8] =
    ["lapin", "amq_protocol", "tokio_postgres", "hyper", "reqwest", "h2", "lettre", "opentelemetry"];

/// The configured filter, less what must never be logged.
pub(super) fn configured<S>(text: &str) -> Result<impl Filter<S> + Send + Sync + use<S>, ConfigError>
where
    S: Subscriber + for<'a> LookupSpan<'a> + 'static,
{
    let configured =
        EnvFilter::try_new(text).map_err(|error| ConfigError::key("telemetry.log", error.to_string()))?;
    // Spans are not lines: whatever level is asked for, a line knows what it is about.
    Ok(configured.or(filter_fn(|metadata: &Metadata<'_>| metadata.is_span())).and(ours()))
}

/// All but the silent.
pub(super) fn ours() -> FilterFn<fn(&Metadata<'_>) -> bool> {
    filter_fn(|metadata| !SILENT.iter().any(|name| metadata.target().starts_with(name)))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_bad_filter_names_its_key() {
        let Err(error) = super::configured::<tracing_subscriber::Registry>("a=b=c") else {
            panic!("accepted")
        };
        assert!(error.to_string().contains("telemetry.log"));
    }
}
