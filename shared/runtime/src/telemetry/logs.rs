//! Log lines: one JSON object each, with everything that the spans around it know, flat and by dotted names.

use std::io::Write as _;

use jiff::Timestamp;
use opentelemetry::trace::TraceContextExt as _;
use serde_json::{Map, Value};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{Layer, fmt::MakeWriter, layer::Context, registry::LookupSpan};

use super::sampling::CORRELATION;

/// Fields of spans that say nothing in a log.
const NOISE: [&str; 3] = ["otel.", "messaging.operation.", "messaging.system"];
/// What a span of a message calls its correlation id.
const CONVERSATION: &str = "messaging.message.conversation_id";

/// Writes the lines.
pub(super) struct Lines<W> {
    service: &'static str,
    writer: W,
}

impl<W> Lines<W> {
    pub(super) const fn new(service: &'static str, writer: W) -> Self {
        Self { service, writer }
    }
}

/// What is known of a span.
#[derive(Default)]
struct Known(Map<String, Value>);

impl Visit for Known {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.put(field, format!("{value:?}").into());
    }
}

impl Known {
    fn put(&mut self, field: &Field, value: Value) {
        let name = field.name().trim_start_matches("r#");
        if !NOISE.iter().any(|noise| name.starts_with(noise)) {
            self.0.insert(name.to_owned(), value);
        }
    }
}

impl<S, W> Layer<S> for Lines<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'w> MakeWriter<'w> + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, ctx: Context<'_, S>) {
        let Some(span) = ctx.span(id) else { return };
        let mut known = Known::default();
        attributes.record(&mut known);
        span.extensions_mut().insert(known);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, ctx: Context<'_, S>) {
        let Some(span) = ctx.span(id) else { return };
        if let Some(known) = span.extensions_mut().get_mut::<Known>() {
            values.record(known);
        }
    }

    fn on_event(&self, event: &Event<'_>, ctx: Context<'_, S>) {
        let mut line = Map::new();
        #[allow(
            clippy::disallowed_methods,
            reason = "a log line tells when it was written, and nothing is decided by it"
        )]
        line.insert("timestamp".to_owned(), Timestamp::now().to_string().into());
        line.insert("level".to_owned(), event.metadata().level().as_str().into());
        let mut told = Known::default();
        event.record(&mut told);
        line.insert("message".to_owned(), told.0.remove("message").unwrap_or_default());
        line.insert("service.name".to_owned(), self.service.into());
        line.insert("target".to_owned(), event.metadata().target().into());
        let mut around = Map::new();
        for span in ctx.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(known) = span.extensions().get::<Known>() {
                around.extend(known.0.clone());
            }
        }
        let correlation = around.remove(CORRELATION).or_else(|| around.remove(CONVERSATION));
        around.remove(CONVERSATION);
        let here = opentelemetry::Context::current();
        let here = here.span().span_context().clone();
        let ids = [
            ("correlation_id", correlation),
            ("trace_id", here.is_valid().then(|| here.trace_id().to_string().into())),
            ("span_id", here.is_valid().then(|| here.span_id().to_string().into())),
        ];
        line.extend(ids.into_iter().filter_map(|(name, id)| Some((name.to_owned(), id?))));
        // What the event itself says counts.
        around.extend(told.0);
        for (name, value) in around {
            line.entry(name).or_insert(value);
        }
        let Ok(mut bytes) = serde_json::to_vec(&line) else { return };
        bytes.push(b'\n');
        // Whoever does not read our output does not stop us.
        let _ = self.writer.make_writer().write_all(&bytes);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::{Layer, fmt::MakeWriter, layer::SubscriberExt};

    use super::super::filter;

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

    fn logged(doing: impl FnOnce()) -> (String, Vec<serde_json::Value>) {
        let sink = Sink::default();
        let layer = super::Lines::new("test", sink.clone()).with_filter(filter::configured("trace").unwrap());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), doing);
        let text = String::from_utf8(sink.0.lock().unwrap().clone()).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        (text, lines)
    }

    #[test]
    fn a_line_has_the_correlation_of_the_spans_around_it_however_deep() {
        let (text, lines) = logged(|| {
            let span = tracing::info_span!(
                "process",
                otel.kind = "consumer",
                messaging.system = "rabbitmq",
                messaging.message.conversation_id = "c-1",
                frontdesk.attempt = 2,
                frontdesk.clinic = tracing::field::Empty,
            );
            span.record("frontdesk.clinic", "clinic-01");
            span.in_scope(|| {
                tracing::info_span!("GET", http.request.method = "GET").in_scope(|| {
                    tracing::warn!(frontdesk.lane = "a", frontdesk.attempt = 3, "delivery.emitted");
                });
            });
            tracing::info!("service.stopped");
        });
        let line = &lines[0];
        for (field, value) in [
            ("message", "delivery.emitted"),
            ("level", "WARN"),
            ("service.name", "test"),
            ("correlation_id", "c-1"),
            ("frontdesk.lane", "a"),
            ("frontdesk.clinic", "clinic-01"),
            ("http.request.method", "GET"),
        ] {
            assert_eq!(line[field], value, "{text}");
        }
        assert_eq!(line["frontdesk.attempt"], 3, "the event's own counts");
        assert!(!text.contains("otel.kind") && !text.contains("messaging.system"), "{text}");
        assert!(line["timestamp"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok());
        assert_eq!(lines[1].get("correlation_id"), None);
    }

    #[test]
    fn what_the_silent_say_is_never_written() {
        let (text, _) = logged(|| {
            tracing::warn!(target: "lapin::returned_messages", "canary");
            tracing::trace!(target: "lapin::channel", "canary");
            tracing::debug!(target: "tokio_postgres::prepare", "canary");
            tracing::error!(target: "reqwest::connect", "canary");
        });
        assert_eq!(text, "");
    }
}
