//! Ids of spans and traces: random, but where a later span must be able to name an earlier one that was written down nowhere, and where a
//! trace is gone on with.

use std::cell::Cell;

use domain::ids::LetterId;
use opentelemetry::{SpanId, TraceId};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

thread_local! {
    /// The id of the next span that starts on this thread.
    static NEXT: Cell<Option<u64>> = const { Cell::new(None) };
    /// The id of the next trace that begins on this thread.
    static TRACE: Cell<Option<TraceId>> = const { Cell::new(None) };
}

/// Random ids, less those that are set.
#[derive(Debug, Clone, Default)]
pub(super) struct Ids(RandomIdGenerator);

impl IdGenerator for Ids {
    fn new_trace_id(&self) -> TraceId {
        TRACE.take().unwrap_or_else(|| self.0.new_trace_id())
    }

    fn new_span_id(&self) -> SpanId {
        NEXT.take().map_or_else(|| self.0.new_span_id(), |id| SpanId::from_bytes(id.to_be_bytes()))
    }
}

/// The id of the span that collects a dead letter. Never zero, which would be none.
pub(crate) fn of_letter(letter: LetterId) -> u64 {
    letter.as_uuid().as_u64_pair().1.max(1)
}

/// Starts a span under such an id.
pub(crate) fn start_as(span: &Span, id: u64) {
    NEXT.set(Some(id));
    // Whoever asks for its context has it started.
    let _ = span.context();
    NEXT.set(None);
}

/// Starts a span without a parent in a trace that is there.
pub(super) fn start_in(span: &Span, trace: TraceId) {
    TRACE.set(Some(trace).filter(|id| *id != TraceId::INVALID));
    let _ = span.context();
    TRACE.set(None);
}

#[cfg(test)]
mod tests {
    use opentelemetry_sdk::trace::IdGenerator as _;

    use super::{Ids, NEXT};

    #[test]
    fn an_id_that_is_set_is_used_once() {
        let ids = Ids::default();
        NEXT.set(Some(7));
        assert_eq!(ids.new_span_id().to_string(), "0000000000000007");
        assert_ne!(ids.new_span_id().to_string(), "0000000000000007");
    }
}
