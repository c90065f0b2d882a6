//! What stays the same in a world: who submits what, and what the EHR promises.

use domain::{
    AdmissionId, ClinicId, PersonId,
    blind::IndexKey,
    effect::{BeginEffect, Class, Kind, Policy, Protections, Target},
};
use jiff::SignedDuration;
use uuid::Uuid;

use crate::ehr::Thing;

/// The EHR's and the writer's times, in ticks.
#[derive(Clone, Copy)]
pub(crate) struct Ticks {
    pub(crate) lease: u8,
    pub(crate) lateness: u8,
    pub(crate) lag: u8,
}

/// One effect that a submission asks for.
pub(crate) struct Step {
    pub(crate) wish: BeginEffect,
    /// Which of the EHR's things it is about. Each has one idempotency value.
    pub(crate) thing: usize,
    /// The submission's place in the order of admission.
    pub(crate) seq: i64,
    /// After which its new rows count their ids: so no two rows have one, whoever is first.
    pub(crate) ids: u128,
}

pub(crate) struct Setup {
    pub(crate) class: Class,
    pub(crate) ticks: Ticks,
    pub(crate) protections: Protections,
    /// By submission, in the order of admission: what it does, one after the other.
    pub(crate) plans: Vec<Vec<Step>>,
    things: usize,
    pub(crate) workers: usize,
}

impl Setup {
    /// `persons`: of each submission, whose it is. `booking`: each also books an appointment.
    pub(crate) fn new(
        class: Class,
        ticks: Ticks,
        workers: usize,
        persons: &[usize],
        booking: bool,
        protections: Protections,
    ) -> Self {
        let seconds = |ticks: u8| SignedDuration::from_secs(ticks.into());
        let policy = Policy {
            class,
            lease: seconds(ticks.lease),
            lateness: seconds(ticks.lateness),
            index_lag: seconds(ticks.lag),
        };
        let key = IndexKey::new(&[7; 32]);
        let people = persons.iter().max().unwrap() + 1;
        let plan = |(submission, person): (usize, &usize)| {
            let step = |target, thing: usize| Step {
                wish: BeginEffect {
                    admission: AdmissionId::from_uuid(Uuid::from_u128(submission as u128 + 1)),
                    clinic: ClinicId::parse("c").unwrap(),
                    person: PersonId::from_uuid(Uuid::from_u128(*person as u128 + 1)),
                    target,
                    idempotency: key.index("thing", &[&thing.to_string()]),
                    policy,
                },
                thing,
                seq: i64::try_from(submission).unwrap() + 1,
                ids: (submission * 100 + thing * 10) as u128,
            };
            let mut steps = vec![step(Target::Patient, *person)];
            if booking {
                steps.push(step(Target::Appointment, people + submission));
            }
            steps
        };
        let plans = persons.iter().enumerate().map(plan).collect();
        let things = if booking { people + persons.len() } else { people };
        Self { class, ticks, protections, plans, things, workers }
    }

    /// What the EHR will have, and has not yet.
    pub(crate) fn things(&self) -> Vec<Thing> {
        (0..self.things).map(|thing| Thing { id: thing.to_string(), writes: Vec::new() }).collect()
    }

    /// Which submission an effect is of, and after which its ids count.
    pub(crate) fn step(&self, admission: AdmissionId, kind: Kind) -> (usize, u128) {
        let own = |step: &Step| step.wish.admission == admission && step.wish.target.kind() == kind;
        let plans = self.plans.iter().enumerate();
        let mut found = plans.filter_map(|(nth, plan)| Some((nth, plan.iter().find(|step| own(step))?.ids)));
        found.next().unwrap()
    }

    /// Which thing an effect is about.
    pub(crate) fn thing(&self, admission: AdmissionId, kind: Kind) -> usize {
        let own = |step: &&Step| step.wish.admission == admission && step.wish.target.kind() == kind;
        self.plans.iter().flatten().find(own).unwrap().thing
    }
}
