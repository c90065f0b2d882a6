//! Booking: claim the slot, make the appointment, and give the slot back if the EHR will not have the appointment.
//!
//! The slot goes first because only its version makes two requests for one slot meet (FHIR has no other lock): servers
//! were seen to book one slot eight times where slot and appointment went in one transaction.

use adapters::ehr::{AppointmentWrite, ReadFault, Search, SlotFound, SlotStatus, Wanted, WriteOutcome};
use domain::{Code, effect::Resource};
use ledger::{BeginEffect, Target, Ticket};

use crate::{
    drive::{Effect, Grant},
    stop::Stop,
    task::Task,
};

/// A booked visit.
pub(crate) struct Booked {
    pub(crate) appointment: Resource,
    pub(crate) minutes: u16,
}

/// Length of a visit where the EHR has no slots that say it, minutes.
const USUAL_MINUTES: u16 = 20;

impl Task<'_> {
    /// Books the requested visit.
    pub(crate) async fn book(&self, patient: &Resource) -> Result<Booked, Stop> {
        let slot = if self.profile().has_slots { Some(self.claim().await?) } else { None };
        let minutes = slot.as_ref().map_or(USUAL_MINUTES, |slot| slot.minutes);
        let wanted = &self.intake.appointment;
        let write = AppointmentWrite {
            identifier: self.identity(Target::Appointment).to_hex(),
            patient_id: patient.id.clone(),
            slot_id: slot.map(|slot| slot.id),
            kind: wanted.kind,
            provider: wanted.provider.clone(),
            location: self.clinic.name.clone(),
            start: wanted.start,
            minutes,
            reason: self.intake.reason.clone(),
        };
        match self.drive(&AppointmentEffect { task: self, write }).await {
            Ok(Some(appointment)) => Ok(Booked { appointment, minutes }),
            Ok(None) => Err(Stop::store()),
            Err(Stop::Refused(code)) => {
                self.release().await?;
                Err(Stop::Refused(code))
            }
            Err(stop) => Err(stop),
        }
    }

    /// The requested slot, claimed for this submission.
    async fn claim(&self) -> Result<SlotFound, Stop> {
        let effect = SlotEffect { task: self, value: self.identity(Target::Slot).to_hex() };
        let claimed = self.drive(&effect).await?.ok_or_else(Stop::store)?;
        // The search tells how long the visit is, and nothing else: one that sees the past may show another slot of that time, or none.
        match self.find_slot(&effect.value).await {
            Ok(Some(slot)) if slot.id == claimed.id => Ok(slot),
            Ok(_) => Err(Stop::unavailable(&self.endpoint)),
            Err(fault) => Err(Stop::read(&fault, &self.endpoint)),
        }
    }

    /// The slot of the requested time: the one that `ours` claims, or else a free one.
    async fn find_slot(&self, ours: &str) -> Result<Option<SlotFound>, ReadFault> {
        let wanted = &self.intake.appointment;
        self.ehr.find_slot(&wanted.provider, wanted.start, ours).await
    }

    async fn release(&self) -> Result<(), Stop> {
        let effect = ReleaseEffect { task: self, value: self.identity(Target::SlotRelease).to_hex() };
        self.drive(&effect).await.map(drop)
    }
}

struct SlotEffect<'t> {
    task: &'t Task<'t>,
    value: String,
}

impl Effect for SlotEffect<'_> {
    fn wish(&self) -> BeginEffect {
        self.task.effect(Target::Slot)
    }

    async fn write(&self, grant: &Grant) -> Result<WriteOutcome, Stop> {
        let found = self.task.find_slot(&self.value).await;
        // One that is not offered at all is as good as taken.
        let slot = found
            .map_err(|fault| Stop::read(&fault, &self.task.endpoint))?
            .ok_or(Stop::Hold(Code::SlotTaken))?;
        if slot.status == SlotStatus::Busy && !slot.claimed_by_us(&self.value) {
            return Err(Stop::Hold(Code::SlotTaken));
        }
        if slot.version.is_none() && !slot.claimed_by_us(&self.value) {
            // Without versions two claims of one slot would both succeed: better that a person books.
            return Err(Stop::Hold(Code::EhrCannotBook));
        }
        self.task.send(grant, self.task.ehr.claim_slot(&slot, &self.value)).await
    }

    async fn search(&self, _ticket: &Ticket) -> Search {
        match self.task.find_slot(&self.value).await {
            Ok(Some(slot)) if slot.claimed_by_us(&self.value) => {
                Search::One { id: slot.id, version: slot.version, agrees: true, current: true }
            }
            Ok(_) => Search::None,
            Err(fault) => Search::Failed(fault),
        }
    }
}

struct ReleaseEffect<'t> {
    task: &'t Task<'t>,
    value: String,
}

impl Effect for ReleaseEffect<'_> {
    fn wish(&self) -> BeginEffect {
        self.task.effect(Target::SlotRelease)
    }

    async fn write(&self, grant: &Grant) -> Result<WriteOutcome, Stop> {
        match &grant.resource {
            Some(slot) => self.task.send(grant, self.task.ehr.release_slot(&slot.id, &self.value)).await,
            None => Err(Stop::store()),
        }
    }

    /// Found means released: the slot no longer carries our claim.
    async fn search(&self, ticket: &Ticket) -> Search {
        match (self.task.find_slot(&self.value).await, &ticket.resource) {
            (Ok(Some(slot)), _) if slot.claimed_by_us(&self.value) => Search::None,
            (Ok(_), Some(slot)) => {
                Search::One { id: slot.id.clone(), version: None, agrees: true, current: true }
            }
            (Ok(_), None) => Search::None,
            (Err(fault), _) => Search::Failed(fault),
        }
    }
}

struct AppointmentEffect<'t> {
    task: &'t Task<'t>,
    write: AppointmentWrite,
}

impl Effect for AppointmentEffect<'_> {
    fn wish(&self) -> BeginEffect {
        self.task.effect(Target::Appointment)
    }

    async fn write(&self, grant: &Grant) -> Result<WriteOutcome, Stop> {
        self.task.send(grant, self.task.ehr.create_appointment(&self.write)).await
    }

    async fn search(&self, _ticket: &Ticket) -> Search {
        self.task.ehr.find(Wanted::Appointment(&self.write)).await
    }
}
