//! The delivery under work: what came, decoded, and what is found out about it on the way.

use std::sync::{Arc, Mutex};

use domain::{
    CorrelationId, LaneName, MessageId, Meta, Stage, clock::Clock, ids::ProcessId, ports::StageLog,
    seal::Keyring,
};
use lapin::{message::Delivery, types::ShortString};
use tokio_util::sync::CancellationToken;
use tracing::Span;

use super::{
    Context, Incoming, alone::Room, breaker::Breakers, context::Told, failed::Failed, pauses::Pauses,
    pauses::Waits, retry::RetryPolicy,
};
use crate::{
    amqp::{Headers, Publisher, header},
    keys::Follower,
    telemetry::{self, Metrics, Traceparent, spans},
};

/// What all deliveries of a stage share.
pub(super) struct Core {
    pub(super) stage: Stage,
    pub(super) app: &'static str,
    pub(super) publisher: Publisher,
    pub(super) log: Arc<dyn StageLog>,
    pub(super) keys: Arc<Keyring>,
    /// What looks for keys.
    pub(super) follower: Option<Follower>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) retry: RetryPolicy,
    pub(super) breakers: Arc<Breakers>,
    pub(super) pauses: Pauses,
    pub(super) metrics: Arc<Metrics>,
    pub(super) max_body: usize,
    /// Schema under which a body that came in clear is sealed.
    pub(super) clear_schema: &'static str,
    /// This life of this process.
    pub(super) process: ProcessId,
    /// Until when each lane was paused last.
    pub(super) waits: Waits,
    /// Where deliveries are handled: side by side, or alone.
    pub(super) room: Room,
    /// Cancelled when the process is to stop.
    pub(super) stop: CancellationToken,
}

/// One delivery. Its body may be PHI in clear: no `Debug`.
pub(super) struct Case {
    pub(super) body: Vec<u8>,
    pub(super) schema: Option<String>,
    pub(super) content_type: Option<String>,
    /// What the sender set; the context's is set in any case.
    pub(super) correlation: Option<CorrelationId>,
    /// The same.
    pub(super) message: Option<MessageId>,
    /// Its last failure, if that counts as an attempt.
    pub(super) failed: Option<Failed>,
    pub(super) trace: Traceparent,
    /// A person let it go on, or it was published again: how old it is says nothing of the line.
    pub(super) resumed: bool,
    pub(super) lane: LaneName,
    pub(super) cx: Context,
    pub(super) span: Span,
    /// Known once it is open.
    pub(super) meta: Option<Meta>,
    /// Cancelled when the delivery is no longer ours to acknowledge.
    pub(super) lost: CancellationToken,
}

impl Case {
    /// Decodes what AMQP carries beside the body. Whatever a foreign publisher left out or got wrong is made up for.
    pub(super) fn decode(core: &Core, lane: &LaneName, delivery: Delivery, lost: CancellationToken) -> Self {
        let properties = &delivery.properties;
        let headers = Headers::read(properties.headers().as_ref());
        let message: Option<MessageId> = parsed(properties.message_id());
        let correlation: Option<CorrelationId> = parsed(properties.correlation_id());
        let trace = Traceparent::read(headers.get(header::TRACEPARENT), headers.get(header::LINK));
        let attempt = headers.parse::<u32>(header::ATTEMPT).unwrap_or(1).max(1);
        let (attempt, failed) = Failed::charge(Failed::read(&headers), attempt, &core.breakers);
        let cx = Context {
            message: message.unwrap_or_else(|| MessageId::from_uuid(core.clock.fresh_id())),
            correlation: correlation.unwrap_or_else(|| CorrelationId::from_uuid(core.clock.fresh_id())),
            redelivered: delivery.redelivered,
            attempt,
            first_failed_at: headers.parse(header::FIRST_FAILED_AT),
            received_at: core.clock.now(),
            keys: core.keys.clone(),
            clock: core.clock.clone(),
            breakers: core.breakers.clone(),
            pauses: core.pauses.clone(),
            told: Mutex::new(Told::default()),
        };
        let queue = core.stage.queue(lane);
        let span = spans::process(&queue, cx.message, cx.correlation, cx.attempt, delivery.data.len());
        telemetry::adopt(&span, &trace, cx.correlation);
        Self {
            schema: text(properties.kind()),
            content_type: text(properties.content_type()),
            body: delivery.data,
            correlation,
            message,
            failed,
            trace,
            resumed: headers.get(header::RESUMED).is_some()
                || properties.timestamp().is_some_and(|at| core.waits.kept(lane, at)),
            lane: lane.clone(),
            cx,
            span,
            meta: None,
            lost,
        }
    }

    /// The label of its lane.
    pub(super) fn lane_label(&self) -> (&'static str, &str) {
        ("lane", self.lane.as_str())
    }

    /// Says on its span what became of it.
    pub(super) fn ends_as(&self, outcome: &str) {
        self.span.record("frontdesk.outcome", outcome);
    }

    /// The delivery as a handler's input sees it.
    pub(super) fn incoming(&self) -> Incoming<'_> {
        Incoming {
            body: &self.body,
            schema: self.schema.as_deref(),
            content_type: self.content_type.as_deref(),
            correlation: self.correlation,
            message: self.cx.message,
            redelivered: self.cx.redelivered,
            received_at: self.cx.received_at,
        }
    }
}

/// What a field says, if it says that.
pub(super) fn parsed<T: std::str::FromStr>(field: &Option<ShortString>) -> Option<T> {
    field.as_ref()?.as_str().parse().ok()
}

fn text(field: &Option<ShortString>) -> Option<String> {
    field.as_ref().map(ToString::to_string)
}
