//! Booking: claim the slot, make the appointment, and give the slot back if the EHR will not have the appointment.
//!
//! The slot goes first because only its version makes two requests for one slot meet (FHIR has no other lock): servers
//! were seen to book one slot eight times where slot and appointment went in one transaction.

use adapters::ehr::{AppointmentWrite, ReadFault, Search, SlotFound, SlotStatus, Wanted, WriteOutcome};
use domain::{
    Code,
    effect::{Kind, Resource},
    hold::Offer,
};
use jiff::{SignedDuration, Timestamp};
use ledger::{BeginEffect, Target, Ticket};

use crate::{
    drive::{Effect, Grant},
    stop::Stop,
    task::Task,
};

/// A booked visit.
pub(crate) struct Booked {
    /// The EHR's id of the appointment.
    pub(crate) appointment: String,
    pub(crate) start: Timestamp,
    pub(crate) minutes: u16,
}

/// Length of a visit where the EHR has no slots that say it, minutes.
const USUAL_MINUTES: u16 = 20;
/// How many other slots a person is offered.
const OFFERS: usize = 10;
/// Offered is what is free from a day before the visit that was asked for.
const EARLIER: SignedDuration = SignedDuration::from_hours(24);

impl Task<'_> {
    /// Books the requested visit, or the one that a person has chosen in its place.
    pub(crate) async fn book(&self, patient: &Resource) -> Result<Booked, Stop> {
        let (decisions, start) = (self.decisions().await?, self.start().await?);
        if let Some(appointment) = decisions.booked.clone() {
            return Ok(Booked { appointment, start, minutes: USUAL_MINUTES });
        }
        if !self.profile().can_book {
            return Err(Stop::Hold(Code::EhrCannotBook));
        }
        let slot = if self.profile().has_slots { Some(self.claim(start).await?) } else { None };
        let minutes = slot.as_ref().map_or(USUAL_MINUTES, |slot| slot.minutes);
        let wanted = &self.intake.appointment;
        let write = AppointmentWrite {
            identifier: self.identity(Target::Appointment).to_hex(),
            patient_id: patient.id.clone(),
            slot_id: slot.map(|slot| slot.id),
            kind: wanted.kind,
            provider: wanted.provider.clone(),
            location: self.clinic.name.clone(),
            start,
            minutes,
            reason: self.intake.reason.clone(),
        };
        match self.drive(&AppointmentEffect { task: self, write }).await {
            Ok(Some(appointment)) => Ok(Booked { appointment: appointment.id, start, minutes }),
            Ok(None) => Err(Stop::store()),
            Err(Stop::Refused(code)) => {
                self.release(start).await?;
                Err(Stop::Refused(code))
            }
            Err(stop) => Err(stop),
        }
    }

    /// When the visit begins: as a person has decided, or as it was asked for.
    async fn start(&self) -> Result<Timestamp, Stop> {
        let chosen = self.decisions().await?.slot.as_ref().map(|slot| slot.start);
        Ok(chosen.unwrap_or(self.intake.appointment.start))
    }

    /// The slot at that time, claimed for this submission.
    async fn claim(&self, start: Timestamp) -> Result<SlotFound, Stop> {
        let chosen = self.decisions().await?.slot.as_ref().map(|slot| slot.id.clone());
        let effect = SlotEffect { task: self, start, chosen, value: self.identity(Target::Slot).to_hex() };
        let claimed = match self.drive(&effect).await {
            Err(Stop::Hold(Code::SlotTaken)) => return Err(self.taken().await),
            done => done?.ok_or_else(Stop::store)?,
        };
        // The search tells how long the visit is, and nothing else: one that sees the past may show another slot of that time, or none.
        match self.find_slot(start, &effect.value).await {
            Ok(Some(slot)) if slot.id == claimed.id => Ok(slot),
            Ok(_) => Err(Stop::unavailable(&self.endpoint)),
            Err(fault) => Err(Stop::read(&fault, &self.endpoint)),
        }
    }

    /// The slot of that time: the one that `ours` claims, or else a free one.
    async fn find_slot(&self, start: Timestamp, ours: &str) -> Result<Option<SlotFound>, ReadFault> {
        self.ehr.find_slot(&self.intake.appointment.provider, start, ours).await
    }

    /// The slot is taken: a person decides, and is told what is free. What cannot be asked now is not offered.
    async fn taken(&self) -> Stop {
        let wanted = &self.intake.appointment;
        let from = wanted.start.saturating_sub(EARLIER).unwrap_or(wanted.start).max(self.now());
        let free = self.ehr.free_slots(&wanted.provider, from, OFFERS).await.unwrap_or_default();
        let offer = |slot: SlotFound| Offer { id: slot.id, start: slot.start, minutes: slot.minutes };
        let free: Vec<Offer> = free.into_iter().map(offer).collect();
        match self.store.note_slots(self.admission, &free).await {
            Ok(()) => Stop::Hold(Code::SlotTaken),
            Err(_) => Stop::store(),
        }
    }

    /// Whether a slot was given back. Found means released: it no longer carries our claim.
    async fn released(&self, ticket: &Ticket, start: Timestamp, ours: &str) -> Search {
        match (self.find_slot(start, ours).await, &ticket.resource) {
            (Ok(Some(slot)), _) if slot.claimed_by_us(ours) => Search::None,
            (Ok(_), Some(slot)) => {
                Search::One { id: slot.id.clone(), version: None, agrees: true, current: true }
            }
            (Ok(_), None) => Search::None,
            (Err(fault), _) => Search::Failed(fault),
        }
    }

    async fn release(&self, start: Timestamp) -> Result<(), Stop> {
        let value = self.identity(Target::SlotRelease).to_hex();
        self.drive(&ReleaseEffect { task: self, start, value }).await.map(drop)
    }
}

struct SlotEffect<'t> {
    task: &'t Task<'t>,
    start: Timestamp,
    /// The slot that a person has chosen: this one and no other of that time.
    chosen: Option<String>,
    value: String,
}

impl SlotEffect<'_> {
    /// The slot that is ours already, or else the one to claim. One that is not offered at all is as good as taken.
    async fn wanted(&self) -> Result<SlotFound, Stop> {
        let fault = |fault: ReadFault| Stop::read(&fault, &self.task.endpoint);
        let found = self.task.find_slot(self.start, &self.value).await.map_err(fault)?;
        let right = |slot: &SlotFound| self.chosen.as_ref().is_none_or(|id| *id == slot.id);
        match (found, &self.chosen) {
            (Some(slot), _) if right(&slot) || slot.claimed_by_us(&self.value) => Ok(slot),
            // Several slots have that time, and a search shows one of them.
            (_, Some(_)) => {
                let provider = &self.task.intake.appointment.provider;
                let free = self.task.ehr.free_slots(provider, self.start, OFFERS).await.map_err(fault)?;
                let chosen = |slot: &SlotFound| slot.start == self.start && right(slot);
                free.into_iter().find(chosen).ok_or(Stop::Hold(Code::SlotTaken))
            }
            (_, None) => Err(Stop::Hold(Code::SlotTaken)),
        }
    }
}

impl Effect for SlotEffect<'_> {
    fn wish(&self) -> BeginEffect {
        self.task.effect(Target::Slot)
    }

    /// Before a claim a release in doubt is cleared up: the slot may be on its way back.
    fn looks_for(&self, kind: Kind) -> bool {
        matches!(kind, Kind::Slot | Kind::SlotRelease)
    }

    async fn write(&self, grant: &Grant) -> Result<WriteOutcome, Stop> {
        let slot = self.wanted().await?;
        if slot.status == SlotStatus::Busy && !slot.claimed_by_us(&self.value) {
            return Err(Stop::Hold(Code::SlotTaken));
        }
        if slot.version.is_none() && !slot.claimed_by_us(&self.value) {
            // Without versions two claims of one slot would both succeed: better that a person books.
            return Err(Stop::Hold(Code::EhrCannotBook));
        }
        self.task.send(grant, self.task.ehr.claim_slot(&slot, &self.value)).await
    }

    async fn search(&self, ticket: &Ticket) -> Search {
        if ticket.kind() == Kind::SlotRelease {
            return self.task.released(ticket, self.start, &self.value).await;
        }
        match self.task.find_slot(self.start, &self.value).await {
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
    start: Timestamp,
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

    async fn search(&self, ticket: &Ticket) -> Search {
        self.task.released(ticket, self.start, &self.value).await
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
