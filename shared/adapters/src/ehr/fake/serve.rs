//! What it does when it is called.

use std::time::Duration;

use async_trait::async_trait;
use jiff::{Timestamp, civil::Date};

use super::{
    FakeEhr,
    store::{Held, Offer, create, existing, missing, search, slot},
};
use crate::ehr::{
    AppointmentWrite, Ask, CoverageWrite, Cursor, ETag, Ehr, ExistingPatient, OurPage, Ours, PatientRecord,
    PatientWrite, Profile, ReadFault, Search, SlotFound, System, Wanted, WriteOutcome, found::alike,
};

#[async_trait]
impl Ehr for FakeEhr {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn deadline(&self) -> Duration {
        Duration::from_secs(1)
    }

    async fn create_patient(&self, write: &PatientWrite) -> WriteOutcome {
        self.write(|state| {
            create(
                state,
                self.profile.conditional_create,
                "patient",
                write.clone(),
                |state| &mut state.patients,
                |known| known.identifier == write.identifier,
            )
        })
    }

    async fn read_patient(&self, id: &str) -> Result<PatientRecord, ReadFault> {
        let state = self.read()?;
        let held = state.patients.iter().find(|held| held.id == id).ok_or(ReadFault::Missing)?;
        Ok(PatientRecord { id: held.id.clone(), version: Some(held.etag()), person: existing(held) })
    }

    async fn exists(&self, system: System, id: &str) -> Result<bool, ReadFault> {
        let state = self.read()?;
        Ok(match system {
            System::Patient => state.patients.iter().any(|held| held.id == id),
            System::Coverage => state.coverages.iter().any(|held| held.id == id),
            System::Appointment => state.appointments.iter().any(|held| held.id == id),
            System::Slot => state.slots.iter().any(|held| held.id == id),
        })
    }

    async fn update_patient(&self, id: &str, version: Option<&ETag>, write: &PatientWrite) -> WriteOutcome {
        self.write(|state| {
            let held = state.patients.iter_mut().find(|held| held.id == id);
            held.map_or_else(missing, |held| held.replace(version, write.clone()))
        })
    }

    async fn find(&self, wanted: Wanted<'_>) -> Search {
        let state = match self.read() {
            Ok(state) => state,
            Err(fault) => return Search::Failed(fault),
        };
        match wanted {
            Wanted::Patient(write) => search(
                &state.patients,
                |known| known.identifier == write.identifier,
                |known| {
                    let (known, wanted) = (&known.patient, &write.patient);
                    known.birth_date == wanted.birth_date
                        && alike(&known.family, &wanted.family)
                        && alike(&known.given, &wanted.given)
                },
                |known| {
                    known.patient.phone == write.patient.phone && known.patient.email == write.patient.email
                },
            ),
            Wanted::Coverage(write) => search(
                &state.coverages,
                |known| known.identifier == write.identifier,
                |known| {
                    known.coverage.member_id == write.coverage.member_id
                        && known.patient_id == write.patient_id
                },
                |known| known.coverage == write.coverage,
            ),
            Wanted::Appointment(write) => search(
                &state.appointments,
                |known| known.identifier == write.identifier,
                |known| known.start == write.start && known.patient_id == write.patient_id,
                |_| true,
            ),
        }
    }

    async fn candidates(&self, family: &str, birth_date: Date) -> Result<Vec<ExistingPatient>, ReadFault> {
        let state = self.read()?;
        let same = |held: &&Held<PatientWrite>| {
            let patient = &held.what.patient;
            patient.birth_date == birth_date && alike(&patient.family, family)
        };
        let found = state.patients.iter().filter(same).map(existing).collect();
        Ok(if self.profile.can_match { found } else { Vec::new() })
    }

    async fn create_coverage(&self, write: &CoverageWrite) -> WriteOutcome {
        self.write(|state| {
            create(
                state,
                self.profile.conditional_create,
                "coverage",
                write.clone(),
                |state| &mut state.coverages,
                |known| known.identifier == write.identifier,
            )
        })
    }

    async fn update_coverage(&self, id: &str, version: Option<&ETag>, write: &CoverageWrite) -> WriteOutcome {
        self.write(|state| {
            let held = state.coverages.iter_mut().find(|held| held.id == id);
            held.map_or_else(missing, |held| held.replace(version, write.clone()))
        })
    }

    async fn find_slot(
        &self,
        provider: &str,
        start: Timestamp,
        ours: &str,
    ) -> Result<Option<SlotFound>, ReadFault> {
        let mut state = self.read()?;
        let overlook = state.overlooked > 0;
        state.overlooked = state.overlooked.saturating_sub(1);
        let at = |held: &&Held<Offer>| {
            let seen = held.what.claim.is_none() || !overlook;
            seen && held.what.provider == provider && held.what.start == start
        };
        let rank = |held: &&Held<Offer>| match held.what.claim.as_deref() {
            Some(claim) if claim == ours => 0,
            None => 1,
            Some(_) => 2,
        };
        Ok(state.slots.iter().filter(at).min_by_key(rank).map(slot))
    }

    async fn claim_slot(&self, slot: &SlotFound, value: &str) -> WriteOutcome {
        self.write(|state| {
            let Some(held) = state.slots.iter_mut().find(|held| held.id == slot.id) else { return missing() };
            match held.what.claim.as_deref() {
                Some(claim) if claim == value => return held.done(),
                Some(_) => return WriteOutcome::Stale { version: None },
                None => {}
            }
            let (provider, start, minutes) = (held.what.provider.clone(), held.what.start, held.what.minutes);
            let claimed = Offer { provider, start, minutes, claim: Some(value.to_owned()) };
            held.replace(slot.version.as_ref(), claimed)
        })
    }

    async fn release_slot(&self, slot_id: &str, value: &str) -> WriteOutcome {
        self.write(|state| {
            let Some(held) = state.slots.iter_mut().find(|held| held.id == slot_id) else { return missing() };
            if held.what.claim.as_deref() == Some(value) {
                held.what.claim = None;
                held.version += 1;
            }
            held.done()
        })
    }

    async fn free_slots(
        &self,
        provider: &str,
        from: Timestamp,
        limit: usize,
    ) -> Result<Vec<SlotFound>, ReadFault> {
        let state = self.read()?;
        let free = |held: &&Held<Offer>| {
            held.what.provider == provider && held.what.start >= from && held.what.claim.is_none()
        };
        let mut slots: Vec<_> = state.slots.iter().filter(free).map(slot).collect();
        slots.sort_by_key(|slot| slot.start);
        slots.truncate(limit);
        Ok(slots)
    }

    async fn create_appointment(&self, write: &AppointmentWrite) -> WriteOutcome {
        self.write(|state| {
            create(
                state,
                self.profile.conditional_create,
                "appointment",
                write.clone(),
                |state| &mut state.appointments,
                |known| known.identifier == write.identifier,
            )
        })
    }

    async fn ours(&self, system: System, ask: Ask<'_>) -> Result<OurPage, ReadFault> {
        let state = self.read()?;
        let all = state.ours(system);
        // Two at a time, so that callers turn pages.
        let (all, begin): (Vec<Ours>, usize) = match ask {
            Ask::Identifiers(values) => {
                (all.into_iter().filter(|one| values.contains(&one.identifier)).collect(), 0)
            }
            Ask::Changed { from, until } => {
                let within = |one: &Ours| one.updated.is_none_or(|at| from <= at && at < until);
                (all.into_iter().filter(within).collect(), 0)
            }
            Ask::Next(Cursor(place)) => {
                let (ids, begin) = place.split_once('@').ok_or(ReadFault::Unreadable)?;
                let ids: Vec<&str> = ids.split(',').collect();
                let begin = begin.parse().map_err(|_| ReadFault::Unreadable)?;
                (all.into_iter().filter(|one| ids.contains(&one.id.as_str())).collect(), begin)
            }
        };
        let ids: Vec<&str> = all.iter().map(|one| one.id.as_str()).collect();
        let next = (all.len() > begin + 2).then(|| Cursor(format!("{}@{}", ids.join(","), begin + 2)));
        Ok(OurPage { found: all.iter().skip(begin).take(2).cloned().collect(), next })
    }
}
