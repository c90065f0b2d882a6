//! The incoming message made fit to lie somewhere: always sealed, whatever it came as.

use domain::{
    ClinicId, CorrelationId, Fault, Meta, Phi, SubmissionId,
    envelope::{CONTENT_TYPE, Envelope},
    ids::{IdError, SourceName},
    meta::Mode,
    seal::Keyring,
};
use jiff::Timestamp;

use super::{
    RAW_SCHEMA,
    case::{Case, Core},
};
use crate::amqp::{Properties, header};

/// Stands for an id that could not be read.
const UNKNOWN: &str = "unknown";
/// Longest schema name that is taken over from a message.
const SCHEMA_MAX: usize = 64;

/// A sealed body and its schema.
pub(super) struct Parcel {
    pub(super) schema: String,
    pub(super) body: Vec<u8>,
}

/// The message as a sealed envelope.
pub(super) fn sealed(core: &Core, case: &Case) -> Result<Parcel, Fault> {
    let known = case.meta.as_ref().map(|meta| (core.clear_schema, meta));
    let arrival = Arrival { received_at: case.cx.received_at, correlation: case.cx.correlation };
    let envelope = enclosed(&case.body, known, arrival, &core.keys)?;
    Ok(Parcel { body: envelope.to_vec()?, schema: envelope.schema })
}

/// What is known of a body that does not tell.
pub(crate) struct Arrival {
    pub(crate) received_at: Timestamp,
    pub(crate) correlation: CorrelationId,
}

/// A body as a sealed envelope. One that came sealed stays as it is, less anything that is not part of an envelope; anything else is
/// sealed here, under its schema and metadata if they are `known`, and under placeholders if not.
pub(crate) fn enclosed(
    body: &[u8],
    known: Option<(&str, &Meta)>,
    arrival: Arrival,
    keys: &Keyring,
) -> Result<Envelope, Fault> {
    match Envelope::from_slice(body) {
        Ok(envelope) if is_name(&envelope.schema) => Ok(envelope),
        _ => {
            let plain = Phi::new(body.to_vec());
            match known {
                Some((schema, meta)) => Envelope::seal_bytes(schema, meta.clone(), plain, keys),
                None => Envelope::seal_bytes(RAW_SCHEMA, placeholder(arrival)?, plain, keys),
            }
        }
    }
}

/// A sender may write anything where the name of a schema or a template belongs.
pub(crate) fn is_name(schema: &str) -> bool {
    let ok = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | '_');
    !schema.is_empty() && schema.len() <= SCHEMA_MAX && schema.chars().all(ok)
}

fn placeholder(Arrival { received_at, correlation }: Arrival) -> Result<Meta, Fault> {
    let misnamed = |_: IdError| Fault::permanent(domain::Code::Malformed);
    Ok(Meta {
        submission: SubmissionId::parse(UNKNOWN).map_err(misnamed)?,
        clinic: ClinicId::parse(UNKNOWN).map_err(misnamed)?,
        source: SourceName::parse(UNKNOWN).map_err(misnamed)?,
        submitted_at: received_at,
        received_at,
        correlation,
        admission: None,
        person: None,
        template: None,
        mode: Mode::Live,
        appointment_at: None,
    })
}

/// The properties that the delivery keeps on its way back or to the dead letters: it is still the same hand-off.
pub(super) fn properties(core: &Core, case: &Case, schema: &str) -> Properties {
    let correlation = case.meta.as_ref().map_or(case.cx.correlation, |meta| meta.correlation);
    let properties = Properties::new(case.cx.message, core.app, CONTENT_TYPE, core.clock.now())
        .correlation(correlation)
        .schema(schema)
        .lane(&case.lane)
        .header(header::RESUMED, case.resumed.then_some(true))
        .header(header::CLINIC, case.meta.as_ref().map(|meta| &meta.clinic));
    properties.within(case.trace.clone())
}
