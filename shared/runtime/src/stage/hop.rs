//! The journal row of a delivery.

use domain::{
    Code, Endpoint, FieldPath, Stage,
    hop::{Event, Hop, Transition},
    meta::TemplateRef,
};

use super::case::{Case, Core};
use crate::telemetry;

/// What a row says beyond the delivery itself.
pub(super) struct Entry {
    pub(super) event: Event,
    pub(super) code: Option<Code>,
    pub(super) field: Option<FieldPath>,
    pub(super) endpoint: Option<Endpoint>,
    pub(super) transition: Option<Transition>,
    pub(super) parked: Option<Vec<u8>>,
}

impl Entry {
    pub(super) const fn of(event: Event) -> Self {
        Self { event, code: None, field: None, endpoint: None, transition: None, parked: None }
    }
}

/// The template that the stages before have named. Not at the first stage: what comes there senders have made.
fn template(core: &Core, case: &Case) -> Option<TemplateRef> {
    case.meta.as_ref().filter(|_| core.stage != Stage::Validation)?.template.clone()
}

/// Makes the row. Identity is what the handler told, then what the message's metadata says.
pub(super) fn row(core: &Core, case: &Case, entry: Entry) -> Hop {
    let told = case.cx.told();
    let meta = case.meta.as_ref();
    Hop {
        admission: told.admission.or_else(|| meta?.admission),
        submission: meta.map(|meta| meta.submission.clone()),
        clinic: meta.map(|meta| meta.clinic.clone()),
        correlation: Some(meta.map_or(case.cx.correlation, |meta| meta.correlation)),
        message: case.cx.message,
        stage: core.stage,
        lane: case.lane.clone(),
        event: entry.event,
        code: entry.code,
        field: entry.field,
        endpoint: entry.endpoint,
        template: told.template.clone().or_else(|| template(core, case)),
        attempt: case.cx.attempt,
        trace_id: telemetry::trace_id(&case.span, &case.trace),
        started_at: case.cx.received_at,
        finished_at: core.clock.now(),
        transition: entry.transition,
        facts: told.facts.clone(),
        parked: entry.parked,
    }
}
