//! What the fake EHR holds.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde_json::Value;

use super::Mishap;
use crate::ehr::{
    AppointmentWrite, CoverageWrite, ETag, ExistingPatient, Ours, PatientWrite, ReadFault, Search, SlotFound,
    SlotStatus, System, WriteOutcome,
};

#[derive(Default)]
pub(super) struct State {
    pub(super) patients: Vec<Held<PatientWrite>>,
    pub(super) coverages: Vec<Held<CoverageWrite>>,
    pub(super) appointments: Vec<Held<AppointmentWrite>>,
    pub(super) slots: Vec<Held<Offer>>,
    pub(super) last_id: usize,
    pub(super) now: Option<Timestamp>,
    pub(super) effects: usize,
    pub(super) mishaps: VecDeque<Option<Mishap>>,
    pub(super) read_faults: VecDeque<Option<ReadFault>>,
    pub(super) meanwhile: VecDeque<Option<Meanwhile>>,
    /// So many coming searches for a slot do not show those that are claimed.
    pub(super) overlooked: usize,
}

/// What happens elsewhere while a read lasts.
pub(super) type Meanwhile = Box<dyn FnOnce() + Send>;

pub(super) struct Held<T> {
    pub(super) id: String,
    pub(super) version: u64,
    pub(super) what: T,
    pub(super) updated: Option<Timestamp>,
}

pub(super) struct Offer {
    pub(super) provider: String,
    pub(super) start: Timestamp,
    pub(super) minutes: u16,
    pub(super) claim: Option<String>,
}

impl<T> Held<T> {
    pub(super) fn etag(&self) -> ETag {
        ETag::of_version_id(&self.version.to_string())
    }

    pub(super) fn done(&self) -> WriteOutcome {
        WriteOutcome::Done { id: self.id.clone(), version: Some(self.etag()) }
    }

    /// Replaces what is held, if that is still the version that the caller saw.
    pub(super) fn replace(&mut self, version: Option<&ETag>, what: T) -> WriteOutcome {
        if version.is_some_and(|version| !version.same(&self.etag())) {
            return WriteOutcome::Stale { version: Some(self.etag()) };
        }
        self.what = what;
        self.version += 1;
        self.done()
    }
}

impl State {
    /// What carries a value of ours in a system, in order of creation.
    pub(super) fn ours(&self, system: System) -> Vec<Ours> {
        fn of<T>(list: &[Held<T>], value: impl Fn(&T) -> Option<&String>) -> Vec<Ours> {
            let carrying = list.iter().filter_map(|held| Some((held, value(&held.what)?)));
            carrying
                .map(|(held, identifier)| Ours {
                    id: held.id.clone(),
                    identifier: identifier.clone(),
                    updated: held.updated,
                })
                .collect()
        }
        match system {
            System::Patient => of(&self.patients, |write| Some(&write.identifier)),
            System::Coverage => of(&self.coverages, |write| Some(&write.identifier)),
            System::Appointment => of(&self.appointments, |write| Some(&write.identifier)),
            System::Slot => of(&self.slots, |offer| offer.claim.as_ref()),
        }
    }

    pub(super) fn fresh_id(&mut self, kind: &str) -> String {
        self.last_id += 1;
        format!("{kind}-{}", self.last_id)
    }
}

/// Creates, or answers with what is there where creates are conditional.
pub(super) fn create<T>(
    state: &mut State,
    conditional: bool,
    kind: &str,
    what: T,
    list: fn(&mut State) -> &mut Vec<Held<T>>,
    same: impl Fn(&T) -> bool,
) -> WriteOutcome {
    if conditional {
        let mut known = list(state).iter().filter(|held| same(&held.what));
        match (known.next(), known.next()) {
            (None, _) => {}
            (Some(one), None) => return one.done(),
            (Some(_), Some(_)) => return WriteOutcome::Conflict,
        }
    }
    let held = Held { id: state.fresh_id(kind), version: 1, what, updated: state.now };
    let done = held.done();
    list(state).push(held);
    done
}

pub(super) fn search<T>(
    list: &[Held<T>],
    ours: impl Fn(&T) -> bool,
    agrees: impl Fn(&T) -> bool,
    current: impl Fn(&T) -> bool,
) -> Search {
    let hits: Vec<_> = list.iter().filter(|held| ours(&held.what)).collect();
    match hits.as_slice() {
        [] => Search::None,
        [one] => Search::One {
            id: one.id.clone(),
            version: Some(one.etag()),
            agrees: agrees(&one.what),
            current: agrees(&one.what) && current(&one.what),
        },
        _ => Search::Several,
    }
}

pub(super) fn existing(held: &Held<PatientWrite>) -> ExistingPatient {
    let patient = &held.what.patient;
    ExistingPatient {
        id: held.id.clone(),
        version: Some(held.etag()),
        identifiers: Some(&held.what.identifier)
            .filter(|ours| !ours.is_empty())
            .cloned()
            .into_iter()
            .collect(),
        given: patient.given.clone(),
        middle: patient.middle.clone(),
        family: patient.family.clone(),
        birth_date: Some(patient.birth_date),
        sex: patient.sex,
        phones: patient.phone.iter().cloned().collect(),
        emails: patient.email.iter().cloned().collect(),
        address: patient.address.clone(),
    }
}

pub(super) fn slot(held: &Held<Offer>) -> SlotFound {
    SlotFound {
        id: held.id.clone(),
        version: Some(held.etag()),
        status: if held.what.claim.is_some() { SlotStatus::Busy } else { SlotStatus::Free },
        start: held.what.start,
        minutes: held.what.minutes,
        claims: held.what.claim.iter().cloned().collect(),
        raw: Value::Null,
    }
}

pub(super) fn missing() -> WriteOutcome {
    WriteOutcome::Rejected { status: 404, issue: None }
}
