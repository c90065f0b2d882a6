//! W3C trace context on messages: `traceparent` and `tracestate`, and a link to the attempt before.

use domain::CorrelationId;
use opentelemetry::{
    Context,
    propagation::{Extractor, Injector, TextMapPropagator},
    trace::{SpanContext, TraceContextExt},
};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::{
    sampling::{Correlation, sampled},
    spans,
};
use crate::amqp::Properties;

/// The trace context that a message carries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Traceparent {
    /// `traceparent`.
    pub(crate) parent: Option<String>,
    /// `tracestate`.
    pub(crate) state: Option<String>,
    /// The span that put the message off, in the form of a `traceparent`.
    pub(crate) link: Option<String>,
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

impl Traceparent {
    /// A remote parent by its header's text.
    pub(crate) fn of(parent: Option<String>) -> Self {
        Self { parent, ..Self::default() }
    }

    fn context(&self) -> SpanContext {
        extract(self).span().span_context().clone()
    }

    /// The same as one whose spans are kept, whatever the dice said: something failed here.
    pub(crate) fn kept(self) -> Self {
        let context = self.context();
        if !context.is_valid() || context.is_sampled() {
            return self;
        }
        Self { link: self.link, ..inject(&Context::new().with_remote_span_context(sampled(&context))) }
    }
}

fn extract(incoming: &Traceparent) -> Context {
    TraceContextPropagator::new().extract_with_context(&Context::new(), incoming)
}

fn inject(context: &Context) -> Traceparent {
    let mut out = Traceparent::default();
    TraceContextPropagator::new().inject_context(context, &mut out);
    out
}

/// Makes what the message carries the parent of the span, links the attempt before, and gives the span and all below it the correlation id.
/// To be called before the span is entered.
pub(crate) fn adopt(span: &Span, incoming: &Traceparent, correlation: CorrelationId) {
    // Without a tracer (in tests) there is nothing to set it on.
    let _ = span.set_parent(extract(incoming).with_value(Correlation(correlation)));
    span.add_link(Traceparent::of(incoming.link.clone()).context());
}

/// The producer span of a message, below the current span or, without one, in the trace that the message goes on with; and what the
/// message carries of it.
pub(crate) fn send(exchange: &str, key: &str, properties: &mut Properties) -> Span {
    let Properties { message, correlation, course, .. } = *properties;
    let around = Span::current();
    let span = spans::send(exchange, key, message, correlation);
    let mut context = if around.is_none() { extract(&properties.trace) } else { around.context() };
    if let Some(id) = correlation {
        context = context.with_value(Correlation(id));
    }
    let _ = span.set_parent(context);
    if around.is_none() {
        span.add_link(Traceparent::of(properties.trace.link.clone()).context());
    }
    let trace =
        if course.again { again(&span, &properties.trace) } else { current(&span, &properties.trace) };
    properties.trace = if course.failed { trace.kept() } else { trace };
    span
}

/// The headers for a message sent within the span; what came in, if nothing traces here.
fn current(span: &Span, incoming: &Traceparent) -> Traceparent {
    let out = inject(&span.context());
    if out.parent.is_some() { out } else { incoming.clone() }
}

/// The headers of a message that comes back after it was put off within `span`: its next attempt stands beside this one, below the hand-off
/// that both are attempts at, and is linked to it. However often it waits, the trace does not grow deeper.
fn again(span: &Span, incoming: &Traceparent) -> Traceparent {
    let here = current(span, incoming);
    let parent = if incoming.context().is_valid() { incoming.clone() } else { here.clone() };
    Traceparent { link: here.parent, ..parent }
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
    use super::{Traceparent, again, current, trace_id};

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn what_came_in_goes_on_without_a_tracer() {
        let incoming =
            Traceparent { state: Some("a=1".to_owned()), ..Traceparent::of(Some(PARENT.to_owned())) };
        let span = tracing::Span::none();
        assert_eq!(current(&span, &incoming), incoming);
        assert_eq!(trace_id(&span, &incoming).as_deref(), Some("0af7651916cd43dd8448eb211c80319c"));
        assert_eq!(trace_id(&span, &Traceparent::default()), None);
    }

    #[test]
    fn what_failed_is_kept_from_then_on() {
        let unsampled = PARENT.replace("-01", "-00");
        let link = Some("x".to_owned());
        let incoming = Traceparent { link: link.clone(), ..Traceparent::of(Some(unsampled)) };
        assert_eq!(incoming.kept(), Traceparent { link, ..Traceparent::of(Some(PARENT.to_owned())) });
        assert_eq!(Traceparent::default().kept(), Traceparent::default());
    }

    #[test]
    fn an_attempt_stands_beside_the_one_before() {
        let incoming = Traceparent::of(Some(PARENT.to_owned()));
        assert_eq!(again(&tracing::Span::none(), &incoming).parent.as_deref(), Some(PARENT));
        assert_eq!(again(&tracing::Span::none(), &Traceparent::default()), Traceparent::default());
    }
}
