//! FHIR R4 over HTTP, for servers that keep to the standard and for their known differences.
//!
//! - Identifier searches go by `POST /<type>/_search`, so that nothing of a person stands in a URL or an access log.
//! - A search may ignore a parameter and answer everything: every hit is checked for what was asked.
//! - ETags are opaque; `Bundle.total` may be absent; a 2xx without a body may name the id in `Location`.
//! - Updates read, change what we know, and write with `If-Match`: what the server holds beyond that stays.

mod appointment;
mod bundle;
mod classify;
mod coverage;
mod exchange;
mod ours;
mod patient;
mod resource;
mod slot;
mod store;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use domain::clock::Clock;
use jiff::{Timestamp, civil::Date};
use reqwest::{Client, Url};

use super::{
    AppointmentWrite, Ask, CoverageWrite, ETag, Ehr, ExistingPatient, OurPage, PatientRecord, PatientWrite,
    Profile, ReadFault, Search, SlotFound, System, Wanted, WriteOutcome, oauth::Tokens,
};
use crate::{
    http::{Deadline, Trust, client},
    setup::SetupError,
};

/// A FHIR R4 server.
pub struct FhirEhr {
    http: Client,
    base: Url,
    profile: Profile,
    tokens: Option<Tokens>,
    timeout: Duration,
    clock: Arc<dyn Clock>,
    /// Schedule ids of providers whose schedule has another id than their own, as found by identifier.
    schedules: Mutex<HashMap<String, String>>,
}

impl FhirEhr {
    /// An adapter for the server at `base`. Opens no connection.
    ///
    /// # Errors
    /// [`SetupError`] if no TLS client can be made.
    pub(crate) fn new(
        base: Url,
        profile: Profile,
        tokens: Option<Tokens>,
        (timeout, trust): (Duration, &Trust),
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SetupError> {
        let http = client(&base, timeout, trust)?;
        Ok(Self { http, base, profile, tokens, timeout, clock, schedules: Mutex::default() })
    }

    fn started(&self) -> Deadline {
        Deadline::after(self.timeout)
    }
}

#[async_trait]
impl Ehr for FhirEhr {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn deadline(&self) -> Duration {
        self.timeout
    }

    async fn create_patient(&self, write: &PatientWrite) -> WriteOutcome {
        let resource = resource::Patient::of(write);
        self.create(System::Patient, &write.identifier, &resource, self.started()).await
    }

    async fn read_patient(&self, id: &str) -> Result<PatientRecord, ReadFault> {
        let (resource, version) = self.read("Patient", id, self.started()).await?;
        let person = patient::existing(&resource).ok_or(ReadFault::Unreadable)?;
        Ok(PatientRecord { id: person.id.clone(), version, person })
    }

    async fn update_patient(&self, id: &str, version: Option<&ETag>, write: &PatientWrite) -> WriteOutcome {
        self.update("Patient", id, version, |resource| patient::merge(resource, write), self.started()).await
    }

    async fn find(&self, wanted: Wanted<'_>) -> Search {
        self.find_written(wanted, self.started()).await
    }

    async fn candidates(&self, family: &str, birth_date: Date) -> Result<Vec<ExistingPatient>, ReadFault> {
        if !self.profile.can_match {
            return Ok(Vec::new());
        }
        self.find_patients(family, birth_date, self.started()).await
    }

    async fn create_coverage(&self, write: &CoverageWrite) -> WriteOutcome {
        let resource = resource::Coverage::of(write);
        self.create(System::Coverage, &write.identifier, &resource, self.started()).await
    }

    async fn update_coverage(&self, id: &str, version: Option<&ETag>, write: &CoverageWrite) -> WriteOutcome {
        self.update("Coverage", id, version, |resource| coverage::merge(resource, write), self.started())
            .await
    }

    async fn find_slot(
        &self,
        provider: &str,
        start: Timestamp,
        ours: &str,
    ) -> Result<Option<SlotFound>, ReadFault> {
        self.slot_at(provider, start, ours, self.started()).await
    }

    async fn claim_slot(&self, slot: &SlotFound, value: &str) -> WriteOutcome {
        self.claim(slot, value, self.started()).await
    }

    async fn release_slot(&self, slot_id: &str, value: &str) -> WriteOutcome {
        self.update("Slot", slot_id, None, |resource| slot::release(resource, value), self.started()).await
    }

    async fn free_slots(
        &self,
        provider: &str,
        from: Timestamp,
        limit: usize,
    ) -> Result<Vec<SlotFound>, ReadFault> {
        self.free_from(provider, from, limit, self.started()).await
    }

    async fn create_appointment(&self, write: &AppointmentWrite) -> WriteOutcome {
        let resource = resource::Appointment::of(write);
        self.create(System::Appointment, &write.identifier, &resource, self.started()).await
    }

    async fn exists(&self, system: System, id: &str) -> Result<bool, ReadFault> {
        match self.read(system.resource(), id, self.started()).await {
            Ok(_) => Ok(true),
            Err(ReadFault::Missing) => Ok(false),
            Err(fault) => Err(fault),
        }
    }

    async fn ours(&self, system: System, ask: Ask<'_>) -> Result<OurPage, ReadFault> {
        self.page_of_ours(system, ask, self.started()).await
    }
}
