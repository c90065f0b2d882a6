//! The log layer and what it lets through.

use tracing::{Metadata, Subscriber};
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{FilterExt, FilterFn, filter_fn},
    fmt::MakeWriter,
    layer::Filter,
    registry::LookupSpan,
};

use crate::ConfigError;

/// One JSON object a line, with the fields of the current span.
pub(super) fn layer<S, W>(writer: W) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_writer(writer)
}

/// The configured filter, less what must never be logged.
pub(super) fn filter<S>(text: &str) -> Result<impl Filter<S> + Send + Sync + use<S>, ConfigError>
where
    S: Subscriber + for<'a> LookupSpan<'a> + 'static,
{
    let configured =
        EnvFilter::try_new(text).map_err(|error| ConfigError::key("telemetry.log", error.to_string()))?;
    Ok(configured.and(ours()))
}

/// lapin's events carry frames and returned messages with their bodies: they are off, whatever the configuration says.
/// What they tell that matters is told by our own events.
pub(super) fn ours() -> FilterFn<fn(&Metadata<'_>) -> bool> {
    filter_fn(|metadata| !["lapin", "amq_protocol"].iter().any(|name| metadata.target().starts_with(name)))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::{Layer, fmt::MakeWriter, layer::SubscriberExt};

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl<'w> MakeWriter<'w> for Sink {
        type Writer = Self;
        fn make_writer(&'w self) -> Self {
            self.clone()
        }
    }

    #[test]
    fn json_lines_with_the_span_and_never_lapins_messages() {
        let sink = Sink::default();
        let subscriber = tracing_subscriber::registry()
            .with(super::layer(sink.clone()).with_filter(super::filter("trace").unwrap()));
        tracing::subscriber::with_default(subscriber, || {
            let span = tracing::info_span!("process", messaging.message.conversation_id = "c-1");
            span.in_scope(|| tracing::info!(frontdesk.lane = "a", "delivery.emitted"));
            tracing::warn!(target: "lapin::returned_messages", "canary");
            tracing::trace!(target: "lapin::channel", "canary");
            tracing::error!(target: "lapin::returned_messages", "canary");
        });
        let text = String::from_utf8(sink.0.lock().unwrap().clone()).unwrap();
        assert!(!text.contains("canary"), "{text}");
        let line: serde_json::Value = serde_json::from_str(text.trim()).unwrap();
        assert_eq!(line["message"], "delivery.emitted");
        assert_eq!(line["frontdesk.lane"], "a");
        assert_eq!(line["span"]["messaging.message.conversation_id"], "c-1");
    }

    #[test]
    fn a_bad_filter_names_its_key() {
        let Err(error) = super::filter::<tracing_subscriber::Registry>("a=b=c") else { panic!("accepted") };
        assert!(error.to_string().contains("telemetry.log"));
    }
}
