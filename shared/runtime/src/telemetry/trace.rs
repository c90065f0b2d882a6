//! W3C trace context on messages: `traceparent` and `tracestate`.

use opentelemetry::{
    Context,
    propagation::{Extractor, Injector, TextMapPropagator},
    trace::TraceContextExt,
};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// The trace context that a message carries, as its two headers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Traceparent {
    /// `traceparent`.
    pub(crate) parent: Option<String>,
    /// `tracestate`.
    pub(crate) state: Option<String>,
}

impl Extractor for Traceparent {
    fn get(&self, key: &str) -> Option<&str> {
        match key {
            "traceparent" => self.parent.as_deref(),
            "tracestate" => self.state.as_deref(),
            _ => None,
        }
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent", "tracestate"]
    }
}

impl Injector for Traceparent {
    fn set(&mut self, key: &str, value: String) {
        match key {
            "traceparent" => self.parent = Some(value),
            "tracestate" if !value.is_empty() => self.state = Some(value),
            _ => {}
        }
    }
}

fn extract(incoming: &Traceparent) -> Context {
    TraceContextPropagator::new().extract_with_context(&Context::new(), incoming)
}

/// Makes what the message carries the parent of the span.
pub(crate) fn adopt(span: &Span, incoming: &Traceparent) {
    // Without a tracer (in tests) there is nothing to set it on.
    let _ = span.set_parent(extract(incoming));
}

/// The headers for a message sent within the span; what came in, if nothing traces here.
pub(crate) fn current(span: &Span, incoming: &Traceparent) -> Traceparent {
    let mut out = Traceparent::default();
    TraceContextPropagator::new().inject_context(&span.context(), &mut out);
    if out.parent.is_some() { out } else { incoming.clone() }
}

/// The trace id in 32 hexadecimal digits: the span's, else the message's.
pub(crate) fn trace_id(span: &Span, incoming: &Traceparent) -> Option<String> {
    [span.context(), extract(incoming)].iter().find_map(|context| {
        let span = context.span();
        let id = span.span_context().trace_id();
        (id != opentelemetry::TraceId::INVALID).then(|| id.to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::{Traceparent, current, trace_id};

    #[test]
    fn what_came_in_goes_on_without_a_tracer() {
        let incoming = Traceparent {
            parent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
            state: Some("a=1".to_owned()),
        };
        let span = tracing::Span::none();
        assert_eq!(current(&span, &incoming), incoming);
        assert_eq!(trace_id(&span, &incoming).as_deref(), Some("0af7651916cd43dd8448eb211c80319c"));
        assert_eq!(trace_id(&span, &Traceparent::default()), None);
    }
}
