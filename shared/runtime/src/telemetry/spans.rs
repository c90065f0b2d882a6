//! Spans by OpenTelemetry's conventions for messaging and for RabbitMQ. No name holds a clinic, and none holds what a sender chose.

use domain::{CorrelationId, MessageId};
use tracing::{Span, field::Empty, info_span};

/// A message is sent. The default exchange, which has no name, is told by the queue that it routes to.
pub(crate) fn send(
    exchange: &str,
    key: &str,
    message: MessageId,
    correlation: Option<CorrelationId>,
) -> Span {
    let to = if exchange.is_empty() { key } else { exchange };
    let destination = if exchange.is_empty() { key.to_owned() } else { format!("{exchange}:{key}") };
    let span = info_span!(
        "send",
        otel.name = format!("send {to}"),
        otel.kind = "producer",
        otel.status_code = Empty,
        messaging.system = "rabbitmq",
        "messaging.operation.type" = "send",
        "messaging.operation.name" = "send",
        messaging.destination.name = destination,
        messaging.rabbitmq.destination.routing_key = key,
        messaging.message.id = %message,
        messaging.message.conversation_id = Empty,
        error.r#type = Empty,
    );
    if let Some(id) = correlation {
        span.record("messaging.message.conversation_id", tracing::field::display(id));
    }
    span
}

/// A delivery is dealt with. The routing key is left out: a sender chose it.
pub(crate) fn process(
    queue: &str,
    message: MessageId,
    correlation: CorrelationId,
    attempt: u32,
    size: usize,
) -> Span {
    info_span!(
        "process",
        otel.name = format!("process {queue}"),
        otel.kind = "consumer",
        otel.status_code = Empty,
        messaging.system = "rabbitmq",
        "messaging.operation.type" = "process",
        "messaging.operation.name" = "process",
        messaging.destination.name = queue,
        messaging.message.id = %message,
        messaging.message.conversation_id = %correlation,
        messaging.message.body.size = size,
        frontdesk.attempt = attempt,
        frontdesk.outcome = Empty,
        error.r#type = Empty,
    )
}

/// Something goes on that had stopped.
pub(super) fn resumed(name: &'static str, correlation: CorrelationId) -> Span {
    info_span!(
        "resume",
        otel.name = name,
        otel.kind = "internal",
        messaging.message.conversation_id = %correlation,
    )
}

/// Says on a span that what it stands for failed, and of what: a name from a closed list.
pub(crate) fn failed(span: &Span, what: &str) {
    span.record("otel.status_code", "ERROR");
    span.record("error.type", what);
}
