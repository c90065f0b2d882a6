//! An EHR in memory, with mishaps to order.

mod serve;
mod store;

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::intake::Patient;
use jiff::Timestamp;

use self::store::{Held, Offer, State};
use super::{PatientWrite, Profile, ReadFault, System, WriteOutcome};

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
