//! W3C trace context on messages: `traceparent`, and a link to the attempt before. What comes in is read into ids and written anew, so that
//! nothing of a sender's goes on but two numbers and a flag. `tracestate` and `baggage` are any text: they are not read at all.

use domain::CorrelationId;
use opentelemetry::{
    Context,
    propagation::{Extractor, TextMapPropagator},
    trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState},
};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::{
    ids,
    sampling::{Correlation, sampled},
    spans,
};
use crate::amqp::Properties;

/// The trace context that a message carries.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Traceparent {
    /// `traceparent`.
    parent: Option<SpanContext>,
    /// The span that put the message off.
    link: Option<SpanContext>,
}

/// A header's text, and no other header.
struct Header<'a>(&'a str);

impl Extractor for Header<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        (key == "traceparent").then_some(self.0)
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent"]
    }
}

/// What a `traceparent` says, if it is one.
fn read(text: &str) -> Option<SpanContext> {
    let context = TraceContextPropagator::new().extract_with_context(&Context::new(), &Header(text));
    let context = context.span().span_context().clone();
    context.is_valid().then_some(context)
}

/// In the form of a `traceparent` of version 00.
fn write(context: &SpanContext) -> String {
    let flags = context.trace_flags() & TraceFlags::SAMPLED;
    format!("00-{}-{}-{:02x}", context.trace_id(), context.span_id(), flags.to_u8())
}

impl Traceparent {
    /// By the headers' texts.
    pub(crate) fn read(parent: Option<&str>, link: Option<&str>) -> Self {
        Self { parent: parent.and_then(read), link: link.and_then(read) }
    }

    /// Goes on with a trace below a span that is over, and is kept. `None`: that is no trace's id.
    pub(crate) fn below(trace_id: &str, span: u64) -> Option<Self> {
        let (trace, span) = (TraceId::from_hex(trace_id).ok()?, SpanId::from_bytes(span.to_be_bytes()));
        let parent = SpanContext::new(trace, span, TraceFlags::SAMPLED, true, TraceState::NONE);
        parent.is_valid().then_some(Self { parent: Some(parent), link: None })
    }

    /// The same, linked to its parent as to the attempt before.
    pub(crate) fn linked(self) -> Self {
        Self { link: self.parent.clone(), ..self }
    }

    /// What stands in `traceparent`.
    pub(crate) fn parent(&self) -> Option<String> {
        self.parent.as_ref().map(write)
    }

    /// What stands in the header of the link.
    pub(crate) fn link(&self) -> Option<String> {
        self.link.as_ref().map(write)
    }

    /// The same as one whose spans are kept, whatever the dice said: something failed here.
    fn kept(self) -> Self {
        Self { parent: self.parent.map(|parent| sampled(&parent)), ..self }
    }
}

fn extract(incoming: &Traceparent) -> Context {
    incoming
        .parent
        .clone()
        .map_or_else(Context::new, |parent| Context::new().with_remote_span_context(parent))
}

/// Makes what a caller that is known says in `traceparent` the parent of the span, if it is one. To be called before the span is entered.
pub fn join(span: &Span, traceparent: &str) {
    if let Some(parent) = read(traceparent) {
        // Fails only where no telemetry is set up: then there is nothing to join.
        let _ = span.set_parent(Context::new().with_remote_span_context(parent));
    }
}

/// Work on a submission that begins with no message: what a person or a plan lets go on. It belongs to the submission's trace, of which the
/// journal keeps the id and no span's: so it is one more root of that trace. Without an id it begins a trace. Everything below has the
/// correlation id.
pub fn resume(name: &'static str, trace_id: Option<&str>, correlation: CorrelationId) -> Span {
    let span = spans::resumed(name, correlation);
    let _ = span.set_parent(Context::new().with_value(Correlation(correlation)));
    if let Some(trace) = trace_id.and_then(|id| TraceId::from_hex(id).ok()) {
        ids::start_in(&span, trace);
    }
    span
}

/// Makes what the message carries the parent of the span, links the attempt before, and gives the span and all below it the correlation id.
/// To be called before the span is entered.
pub(crate) fn adopt(span: &Span, incoming: &Traceparent, correlation: CorrelationId) {
    // Without a tracer (in tests) there is nothing to set it on.
    let _ = span.set_parent(extract(incoming).with_value(Correlation(correlation)));
    link(span, incoming);
}

fn link(span: &Span, incoming: &Traceparent) {
    if let Some(link) = &incoming.link {
        span.add_link(link.clone());
    }
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
        link(&span, &properties.trace);
    }
    let trace =
        if course.again { again(&span, &properties.trace) } else { current(&span, &properties.trace) };
    properties.trace = if course.failed { trace.kept() } else { trace };
    span
}

/// What a message carries that is sent within the span; what came in, if nothing traces here.
fn current(span: &Span, incoming: &Traceparent) -> Traceparent {
    let here = span.context().span().span_context().clone();
    if here.is_valid() { Traceparent { parent: Some(here), link: None } } else { incoming.clone() }
}

/// What a message carries that comes back after it was put off within `span`: its next attempt stands beside this one, below the hand-off
/// that both are attempts at, and is linked to it. However often it waits, the trace does not grow deeper.
fn again(span: &Span, incoming: &Traceparent) -> Traceparent {
    let here = current(span, incoming).parent;
    Traceparent { parent: incoming.parent.clone().or_else(|| here.clone()), link: here }
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

    fn of(parent: &str) -> Traceparent {
        Traceparent::read(Some(parent), None)
    }

    #[test]
    fn what_came_in_goes_on_without_a_tracer() {
        let incoming = of(PARENT);
        let span = tracing::Span::none();
        assert_eq!(current(&span, &incoming).parent().as_deref(), Some(PARENT));
        assert_eq!(trace_id(&span, &incoming).as_deref(), Some("0af7651916cd43dd8448eb211c80319c"));
        assert_eq!(trace_id(&span, &Traceparent::default()), None);
    }

    #[test]
    fn what_a_sender_adds_does_not_go_on() {
        let more = PARENT.replacen("00", "01", 1).replace("-01", "-ff") + "-Zelda Quimby";
        let read = Traceparent::read(Some(&more), Some(&more));
        for text in [read.parent(), read.link(), again(&tracing::Span::none(), &read).link()] {
            assert_eq!(text.as_deref(), Some(PARENT));
        }
        for bad in ["Zelda Quimby", "", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331", "00-0-0-01"] {
            assert_eq!(Traceparent::read(Some(bad), Some(bad)), Traceparent::default(), "{bad}");
        }
    }

    #[test]
    fn what_failed_is_kept_from_then_on() {
        let unsampled = PARENT.replace("-01", "-00");
        let incoming = Traceparent::read(Some(&unsampled), Some(&unsampled));
        assert_eq!(incoming.kept(), Traceparent::read(Some(PARENT), Some(&unsampled)));
        assert_eq!(Traceparent::default().kept(), Traceparent::default());
    }

    #[test]
    fn an_attempt_stands_beside_the_one_before() {
        let next = again(&tracing::Span::none(), &of(PARENT));
        assert_eq!(next.parent().as_deref(), Some(PARENT));
        assert_eq!(again(&tracing::Span::none(), &Traceparent::default()), Traceparent::default());
    }

    #[test]
    fn what_is_over_is_gone_on_with() {
        let below = Traceparent::below("0af7651916cd43dd8448eb211c80319c", 0xb7ad_6b71_6920_3331).unwrap();
        assert_eq!(below, of(PARENT));
        assert_eq!(below.linked(), Traceparent::read(Some(PARENT), Some(PARENT)));
        assert_eq!(Traceparent::below("Zelda", 1), None);
        assert_eq!(Traceparent::below("0af7651916cd43dd8448eb211c80319c", 0), None);
    }
}
