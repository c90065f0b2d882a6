//! Appointments: whether a found one is ours.

use jiff::Timestamp;
use serde_json::Value;

use super::{
    AppointmentWrite,
    resource::{items, refers_to, text},
};

/// Whether the found appointment is at that time and of that patient.
pub(super) fn agrees(resource: &Value, write: &AppointmentWrite) -> bool {
    let start = text(resource, "start").and_then(|start| start.parse::<Timestamp>().ok());
    let patient = items(resource, "participant")
        .filter_map(|participant| participant.pointer("/actor/reference")?.as_str())
        .any(|reference| refers_to(reference, "Patient", &write.patient_id));
    start == Some(write.start) && patient
}
