//! `Appointment`.

use domain::intake::VisitKind;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{Concept, Identifier, Reference};
use crate::ehr::{AppointmentWrite, System};

/// HL7 v2 table 0276, which FHIR prefers for the reason that a visit was made for.
const TYPE: &str = "http://terminology.hl7.org/CodeSystem/v2-0276";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::ehr::fhir) struct Appointment<'a> {
    resource_type: &'static str,
    identifier: [Identifier<'a>; 1],
    status: &'static str,
    appointment_type: Concept<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reason_code: Vec<Concept<'a>>,
    start: String,
    end: String,
    minutes_duration: u16,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    slot: Vec<Reference<'a>>,
    participant: [Participant<'a>; 3],
}

#[derive(Serialize)]
struct Participant<'a> {
    actor: Reference<'a>,
    status: &'static str,
}

impl<'a> Participant<'a> {
    const fn accepted(actor: Reference<'a>) -> Self {
        Self { actor, status: "accepted" }
    }
}

impl<'a> Appointment<'a> {
    pub(in crate::ehr::fhir) fn of(write: &'a AppointmentWrite) -> Self {
        let code = match write.kind {
            VisitKind::FollowUp => "FOLLOWUP",
            VisitKind::NewPatient | VisitKind::Procedure | VisitKind::Telehealth => "ROUTINE",
        };
        let end = write.start.checked_add(SignedDuration::from_mins(write.minutes.into()));
        Self {
            resource_type: "Appointment",
            identifier: [Identifier::ours(System::Appointment, &write.identifier)],
            status: "booked",
            appointment_type: Concept::coded(TYPE, code, Some(write.kind.as_str())),
            reason_code: write.reason.iter().map(|reason| Concept::text(reason)).collect(),
            start: write.start.to_string(),
            end: end.unwrap_or(Timestamp::MAX).to_string(),
            minutes_duration: write.minutes,
            slot: write.slot_id.iter().map(|id| Reference::to("Slot", id)).collect(),
            participant: [
                Participant::accepted(Reference::to("Patient", &write.patient_id)),
                Participant::accepted(Reference::named("Practitioner", &write.provider)),
                Participant::accepted(Reference::named("Location", &write.location)),
            ],
        }
    }
}
