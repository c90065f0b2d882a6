//! An EHR in memory, with mishaps to order.

mod store;

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use domain::intake::Patient;
use jiff::{Timestamp, civil::Date};

use self::store::{Held, Offer, State, create, existing, missing, search, slot};
use super::{
    AppointmentWrite, Ask, CoverageWrite, Cursor, ETag, Ehr, ExistingPatient, OurPage, Ours, PatientRecord,
    PatientWrite, Profile, ReadFault, Search, SlotFound, System, Wanted, WriteOutcome, found::alike,
};

/// What goes wrong with the next write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mishap {
    /// It never leaves.
    NotSent,
    /// It is lost on the way; the caller cannot know.
    LostBefore,
    /// It is done, and the answer is lost.
    LostAfter,
    /// The EHR asks to wait.
    Throttled(Duration),
    /// The EHR refuses it for good.
    Rejected(u16),
    /// The EHR does not let us.
    Unauthorized,
}

/// How much the EHR holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Patients.
    pub patients: usize,
    /// Coverages.
    pub coverages: usize,
    /// Appointments.
    pub appointments: usize,
    /// Slots that are not free.
    pub busy_slots: usize,
    /// Writes that had an effect.
    pub effects: usize,
}

/// An EHR in memory.
pub struct FakeEhr {
    profile: Profile,
    state: Mutex<State>,
}

impl FakeEhr {
    /// An empty EHR.
    pub fn new(profile: Profile) -> Self {
        Self { profile, state: Mutex::default() }
    }

    /// Offers a free slot.
    pub fn offer_slot(&self, provider: &str, start: Timestamp, minutes: u16) {
        let mut state = self.state();
        let offer = Offer { provider: provider.to_owned(), start, minutes, claim: None };
        let id = state.fresh_id("slot");
        state.slots.push(Held { id, version: 1, what: offer, updated: None });
    }

    /// Lets so many coming searches for a slot not show those that are claimed, as an index that lags behind.
    pub fn overlook_claims(&self, searches: usize) {
        self.state().overlooked = searches;
    }

    /// Has a patient whom the clinic made itself: without our identifier. Gives the EHR's id.
    pub fn know(&self, patient: Patient) -> String {
        let mut state = self.state();
        let id = state.fresh_id("patient");
        let what = PatientWrite { identifier: String::new(), patient, guardian: None, language: None };
        state.patients.push(Held { id: id.clone(), version: 1, what, updated: None });
        id
    }

    /// Orders a mishap for a coming write; they come in the order in which they were ordered.
    pub fn mishap(&self, mishap: Mishap) {
        self.after(0, mishap);
    }

    /// Orders a mishap for the write that comes after so many that go well.
    pub fn after(&self, writes: usize, mishap: Mishap) {
        let mut state = self.state();
        state.mishaps.extend(std::iter::repeat_n(None, writes));
        state.mishaps.push_back(Some(mishap));
    }

    /// Orders a fault for a coming read or search.
    pub fn read_fault(&self, fault: ReadFault) {
        self.read_fault_after(0, fault);
    }

    /// Orders a fault for the read or search that comes after so many that go well.
    pub fn read_fault_after(&self, reads: usize, fault: ReadFault) {
        let mut state = self.state();
        state.read_faults.extend(std::iter::repeat_n(None, reads));
        state.read_faults.push_back(Some(fault));
    }

    /// Has something happen while the read or search lasts that comes after so many: time passes, say.
    pub fn meanwhile_after(&self, reads: usize, act: impl FnOnce() + Send + 'static) {
        let mut state = self.state();
        state.meanwhile.extend(std::iter::repeat_with(|| None).take(reads));
        state.meanwhile.push_back(Some(Box::new(act)));
    }

    /// Sets the time that what is written from now on was changed at; without, it is not told.
    pub fn at(&self, now: Timestamp) {
        self.state().now = Some(now);
    }

    /// Takes a resource away, as somebody at the clinic might.
    pub fn delete(&self, system: System, identifier: &str) {
        let mut state = self.state();
        state.patients.retain(|held| system != System::Patient || held.what.identifier != identifier);
        state.coverages.retain(|held| system != System::Coverage || held.what.identifier != identifier);
        state.appointments.retain(|held| system != System::Appointment || held.what.identifier != identifier);
    }

    /// How much it holds.
    pub fn counts(&self) -> Counts {
        let state = self.state();
        Counts {
            patients: state.patients.len(),
            coverages: state.coverages.len(),
            appointments: state.appointments.len(),
            busy_slots: state.slots.iter().filter(|slot| slot.what.claim.is_some()).count(),
            effects: state.effects,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, act: impl FnOnce(&mut State) -> WriteOutcome) -> WriteOutcome {
        let mut state = self.state();
        let mishap = state.mishaps.pop_front().flatten();
        match mishap {
            None | Some(Mishap::LostAfter) => {}
            Some(Mishap::NotSent) => return WriteOutcome::NotSent,
            Some(Mishap::LostBefore) => return WriteOutcome::Unknown,
            Some(Mishap::Throttled(after)) => return WriteOutcome::Throttled { after },
            Some(Mishap::Rejected(status)) => return WriteOutcome::Rejected { status, issue: None },
            Some(Mishap::Unauthorized) => return WriteOutcome::Unauthorized,
        }
        let outcome = act(&mut state);
        if matches!(outcome, WriteOutcome::Done { .. }) {
            state.effects += 1;
        }
        if mishap == Some(Mishap::LostAfter) { WriteOutcome::Unknown } else { outcome }
    }

    fn read(&self) -> Result<MutexGuard<'_, State>, ReadFault> {
        let meanwhile = self.state().meanwhile.pop_front().flatten();
        if let Some(act) = meanwhile {
            act();
        }
        let mut state = self.state();
        match state.read_faults.pop_front().flatten() {
            Some(fault) => Err(fault),
            None => Ok(state),
        }
    }
}

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

#[cfg(test)]
mod tests {
    use super::{Counts, FakeEhr, Mishap};
    use crate::ehr::{
        Ehr, Profile, Search, Wanted, WriteOutcome,
        conformance::{World, patient, run},
    };

    #[tokio::test]
    async fn conforms() {
        for profile in Profile::ALL {
            let ehr = FakeEhr::new(profile);
            let starts = ["2027-02-01T15:00:00Z".parse().unwrap(), "2027-02-01T16:00:00Z".parse().unwrap()];
            for start in starts {
                ehr.offer_slot("prov-1", start, 20);
            }
            run(&ehr, &World { seed: "fake", provider: "prov-1", starts }).await;
        }
    }

    #[tokio::test]
    async fn a_lost_answer_is_found_again() {
        let ehr = FakeEhr::new(Profile::FHIR);
        let write = patient("a1");
        ehr.mishap(Mishap::LostBefore);
        ehr.mishap(Mishap::LostAfter);
        assert_eq!(ehr.create_patient(&write).await, WriteOutcome::Unknown);
        assert!(matches!(ehr.find(Wanted::Patient(&write)).await, Search::None));
        assert_eq!(ehr.create_patient(&write).await, WriteOutcome::Unknown);
        assert!(matches!(ehr.find(Wanted::Patient(&write)).await, Search::One { agrees: true, .. }));
        assert_eq!(ehr.counts(), Counts { patients: 1, effects: 1, ..Counts::default() });
    }
}
