//! A dead letter out of a delivery: what is believed of it, and its body made fit to be kept.

use domain::{
    AdmissionId, Code, CorrelationId, Endpoint, Fault, FieldPath, LaneName, MessageId, Stage, clock::Clock,
    ids::LetterId, letter::DeadLetter, meta::TemplateRef, ports::SwitchScope, seal::Keyring,
};
use jiff::Timestamp;
use lapin::{
    message::Delivery,
    types::{AMQPValue, FieldTable, ShortString},
};
use tracing::Span;

use crate::{
    amqp::{Headers, header},
    stage::{
        RAW_SCHEMA,
        parcel::{Arrival, enclosed, is_name},
    },
    telemetry::{self, Traceparent},
};

/// Longest field path that is taken over from a header, bytes.
const FIELD_MAX: usize = 128;

/// What the stage that gave up says of it.
#[derive(Default)]
struct Told {
    code: Option<Code>,
    field: Option<FieldPath>,
    endpoint: Option<Endpoint>,
    template: Option<TemplateRef>,
    admission: Option<AdmissionId>,
    died_at: Option<Timestamp>,
}

/// Reads a delivery of a dead-letter queue, and seals its body if it came in clear.
///
/// What died by the broker's hand carries the headers that its sender chose, and those may hold anything: of them only what cannot be PHI
/// by its type is read. The broker marks such a message, on its way from the stage's queue, with `x-death`; what a stage publishes to
/// its dead-letter exchange, where nobody else may publish, has no such mark.
///
/// Also gives the trace that it comes with.
///
/// # Errors
/// A [`Fault`] if there are no random numbers to seal with.
pub(super) fn letter(
    delivery: &Delivery,
    (stage, lane): (Stage, &LaneName),
    keys: &Keyring,
    clock: &dyn Clock,
) -> Result<(DeadLetter, Traceparent), Fault> {
    let properties = &delivery.properties;
    let table = properties.headers().as_ref();
    let headers = Headers::read(table);
    let now = clock.now();
    let message: Option<MessageId> = parsed(properties.message_id());
    let (by_broker, at) = death(table);
    let told = if by_broker {
        Told { code: Some(Code::DeliveryLimit), died_at: at, ..Told::default() }
    } else {
        by_stage(&headers)
    };
    let sent = properties.timestamp().and_then(seconds);
    let died_at = told.died_at.or(sent).unwrap_or(now);
    let id = LetterId::of(&stage.dead_letter_queue(lane), message, died_at, &delivery.data);
    let correlation: Option<CorrelationId> = parsed(properties.correlation_id());
    let arrival = Arrival {
        received_at: died_at,
        correlation: correlation.unwrap_or_else(|| CorrelationId::from_uuid(clock.fresh_id())),
    };
    let envelope = enclosed(&delivery.data, None, arrival, keys)?;
    let trace = Traceparent::read(headers.get(header::TRACEPARENT), None);
    let (meta, readable) = (&envelope.meta, envelope.schema != RAW_SCHEMA);
    // Only validation gives an admission, so what came to it can only claim one.
    let claimed = meta.admission.filter(|_| stage != Stage::Validation);
    let letter = DeadLetter {
        id,
        message,
        stage,
        lane: lane.clone(),
        code: told.code,
        field: told.field,
        endpoint: told.endpoint,
        // What stands in the envelope in clear anybody may have written: only what the stage says of it counts.
        template: told.template.filter(|template| is_name(&template.id)),
        admission: told.admission.or(claimed),
        submission: readable.then(|| meta.submission.clone()),
        clinic: readable.then(|| meta.clinic.clone()),
        correlation: meta.correlation,
        trace_id: telemetry::trace_id(&Span::none(), &trace),
        attempt: headers.parse::<u32>(header::ATTEMPT).unwrap_or(1).max(1),
        first_failed_at: headers.parse(header::FIRST_FAILED_AT),
        died_at,
        collected_at: now,
        appointment_at: meta.appointment_at,
        body: envelope.to_vec()?,
        schema: envelope.schema,
    };
    Ok((letter, trace))
}

/// The headers that a stage gives its dead letters.
fn by_stage(headers: &Headers) -> Told {
    let field = headers.get(header::FIELD).filter(|path| is_path(path));
    Told {
        code: headers.parse(header::CODE),
        field: field.map(|path| FieldPath::from_template(path.to_owned())),
        endpoint: match headers.parse(header::ENDPOINT) {
            Some(SwitchScope::Endpoint(endpoint)) => Some(endpoint),
            _ => None,
        },
        template: headers.get(header::TEMPLATE).and_then(template),
        admission: headers.parse(header::ADMISSION),
        died_at: headers.parse(header::DIED_AT),
    }
}

fn template(text: &str) -> Option<TemplateRef> {
    let (id, version) = text.rsplit_once('@')?;
    Some(TemplateRef { id: id.to_owned(), version: version.parse().ok()? })
}

fn is_path(text: &str) -> bool {
    let ok = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '[' | ']');
    !text.is_empty() && text.len() <= FIELD_MAX && text.chars().all(ok)
}

/// Whether the broker itself gave it up, and when it did so last. Counts are not read: they differ between versions of the broker.
fn death(table: Option<&FieldTable>) -> (bool, Option<Timestamp>) {
    let Some(AMQPValue::FieldArray(deaths)) = table.and_then(|table| table.inner().get("x-death")) else {
        return (false, None);
    };
    let time = |death: &AMQPValue| match death {
        AMQPValue::FieldTable(death) => match death.inner().get("time") {
            Some(AMQPValue::Timestamp(time)) => seconds(*time),
            _ => None,
        },
        _ => None,
    };
    (true, deaths.as_slice().iter().filter_map(time).max())
}

fn seconds(time: u64) -> Option<Timestamp> {
    Timestamp::from_second(i64::try_from(time).ok()?).ok()
}

fn parsed<T: std::str::FromStr>(field: &Option<ShortString>) -> Option<T> {
    field.as_ref()?.as_str().parse().ok()
}

#[cfg(test)]
mod tests;
