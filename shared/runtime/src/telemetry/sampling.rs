//! Which spans are kept: those of sampled traces, and those that failed, whatever the dice said. And the correlation id on each.

use std::{fmt, time::Duration};

use domain::CorrelationId;
use opentelemetry::{
    Context, KeyValue, TraceId,
    trace::{Link, Span as _, SpanContext, SpanKind, Status, TraceFlags},
};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{Sampler, SamplingDecision, SamplingResult, ShouldSample, Span, SpanData, SpanProcessor},
};

/// Samples as its sampler does, but has recorded what is not sampled too: only its end tells whether it failed.
#[derive(Debug, Clone)]
pub(super) struct Recorded(pub(super) Sampler);

impl ShouldSample for Recorded {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let mut result = self.0.should_sample(parent, trace, name, kind, attributes, links);
        if result.decision == SamplingDecision::Drop {
            result.decision = SamplingDecision::RecordOnly;
        }
        result
    }
}

/// Hands on what is sampled and what failed, and nothing else.
pub(super) struct KeepErrors<P>(pub(super) P);

impl<P> fmt::Debug for KeepErrors<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeepErrors")
    }
}

impl<P: SpanProcessor> SpanProcessor for KeepErrors<P> {
    fn on_start(&self, span: &mut Span, cx: &Context) {
        self.0.on_start(span, cx);
    }

    fn on_end(&self, mut span: SpanData) {
        if !span.span_context.is_sampled() {
            if !matches!(span.status, Status::Error { .. }) {
                return;
            }
            span.span_context = sampled(&span.span_context);
        }
        self.0.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.0.set_resource(resource);
    }
}

/// The same, as one that is kept.
pub(super) fn sampled(context: &SpanContext) -> SpanContext {
    SpanContext::new(
        context.trace_id(),
        context.span_id(),
        context.trace_flags() | TraceFlags::SAMPLED,
        context.is_remote(),
        context.trace_state().clone(),
    )
}

/// The correlation id of all spans below.
#[derive(Debug, Clone, Copy)]
pub(super) struct Correlation(pub(super) CorrelationId);

/// The attribute that every span of a submission has.
pub const CORRELATION: &str = "frontdesk.correlation";

/// Puts the correlation id on each span.
#[derive(Debug)]
pub(super) struct Correlated;

impl SpanProcessor for Correlated {
    fn on_start(&self, span: &mut Span, cx: &Context) {
        if let Some(Correlation(id)) = cx.get::<Correlation>() {
            span.set_attribute(KeyValue::new(CORRELATION, id.to_string()));
        }
    }

    fn on_end(&self, _: SpanData) {}

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use domain::{
        CorrelationId,
        clock::{Clock as _, SystemClock},
    };
    use opentelemetry::trace::TracerProvider as _;
    use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider, SpanData, SpanProcessor};
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::{CORRELATION, Correlated, KeepErrors, Recorded};
    use crate::telemetry::{Traceparent, adopt};

    #[derive(Debug, Clone, Default)]
    struct Kept(Arc<Mutex<Vec<SpanData>>>);

    impl SpanProcessor for Kept {
        fn on_start(&self, _: &mut opentelemetry_sdk::trace::Span, _: &opentelemetry::Context) {}
        fn on_end(&self, span: SpanData) {
            self.0.lock().unwrap().push(span);
        }
        fn force_flush(&self) -> opentelemetry_sdk::error::OTelSdkResult {
            Ok(())
        }
        fn shutdown_with_timeout(&self, _: std::time::Duration) -> opentelemetry_sdk::error::OTelSdkResult {
            Ok(())
        }
    }

    /// What is kept of what is done while so large a share is sampled.
    fn kept(share: f64, doing: impl FnOnce()) -> Vec<SpanData> {
        let kept = Kept::default();
        let provider = SdkTracerProvider::builder()
            .with_sampler(Recorded(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(share)))))
            .with_span_processor(Correlated)
            .with_span_processor(KeepErrors(kept.clone()))
            .build();
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), doing);
        kept.0.lock().unwrap().clone()
    }

    fn work() {
        tracing::info_span!("fine").in_scope(|| {
            tracing::info_span!("failed", otel.status_code = "ERROR").in_scope(|| {});
        });
    }

    #[test]
    fn what_failed_is_kept_though_its_trace_is_not_sampled() {
        let spans = kept(0.0, work);
        let names: Vec<_> = spans.iter().map(|span| span.name.as_ref()).collect();
        assert_eq!(names, ["failed"]);
        assert!(spans[0].span_context.is_sampled(), "a collector would drop it");
        assert_eq!(kept(1.0, work).len(), 2);
    }

    #[test]
    fn every_span_below_has_the_correlation_id() {
        let id = CorrelationId::from_uuid(SystemClock.fresh_id());
        let spans = kept(1.0, || {
            let span = tracing::info_span!("process");
            adopt(&span, &Traceparent::default(), id);
            span.in_scope(|| {
                tracing::info_span!("ask").in_scope(|| tracing::info_span!("deeper").in_scope(|| {}))
            });
            tracing::info_span!("another").in_scope(|| {});
        });
        let of = |name: &str| {
            let span = spans.iter().find(|span| span.name == name).unwrap();
            span.attributes
                .iter()
                .find(|one| one.key.as_str() == CORRELATION)
                .map(|one| one.value.to_string())
        };
        for name in ["process", "ask", "deeper"] {
            assert_eq!(of(name), Some(id.to_string()), "{name}");
        }
        assert_eq!(of("another"), None);
    }
}
