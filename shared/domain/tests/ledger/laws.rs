//! What must hold, whatever happens.

use std::fmt;

use domain::effect::{Class, Decided, Op, Permit, State};

use crate::{ehr::Thing, setup::Setup, worker::Worker, world::World};

/// What was broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Broken {
    MadeTwice,
    ChangedNothing,
    OutOfOrder,
    NoIntent,
    FinalChanged,
    DoneButAbsent,
    InDoubtForEver,
    NothingToDo,
    Lost,
    Stuck,
    Endless,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MadeTwice => "a second resource with one idempotency value",
            Self::ChangedNothing => "an update of what is not there",
            Self::OutOfOrder => "an older update over a newer one",
            Self::NoIntent => "the right to write without an intent in the record",
            Self::FinalChanged => "an end that changed",
            Self::DoneButAbsent => "DONE, and the EHR does not have it",
            Self::InDoubtForEver => "a state that an EHR of this class cannot bring about",
            Self::NothingToDo => "nothing to do for a patient or an appointment",
            Self::Lost => "a submission that nobody has in hand and that has not come to its end",
            Self::Endless => "no end to the states, although only so many things go wrong",
            Self::Stuck => "a state from which it does not end, although nothing goes wrong any more",
        })
    }
}

/// A permit goes with an intent that is committed before the permit is given.
pub(crate) fn intended(decided: &Decided, permit: &Permit) -> Result<(), Broken> {
    let of = permit.of();
    let line = decided.trail.iter().any(|line| {
        line.op == of.op()
            && line.attempt == permit.attempt()
            && line.event == "intent"
            && line.state == "intent"
    });
    let row = decided
        .ops
        .iter()
        .any(|op| op.op == of.op() && op.state == State::Intent { token: permit.token, until: permit.until });
    if line && row { Ok(()) } else { Err(Broken::NoIntent) }
}

/// What a row may become. `thing`: what the EHR has of it.
pub(crate) fn row(class: Class, thing: &Thing, before: Option<&Op>, after: &Op) -> Result<(), Broken> {
    if before.is_some_and(|before| before.state.is_final() && before.state != after.state) {
        return Err(Broken::FinalChanged);
    }
    match &after.state {
        State::Done(resource) if thing.writes.is_empty() || resource.id != thing.id => {
            Err(Broken::DoneButAbsent)
        }
        // An EHR that can be searched leaves no doubt, and this one never holds two; in another nobody searches.
        State::Parked if class != Class::C => Err(Broken::InDoubtForEver),
        State::Unknown { .. } if class == Class::C => Err(Broken::InDoubtForEver),
        State::Conflict => Err(Broken::InDoubtForEver),
        _ => Ok(()),
    }
}

impl World {
    /// Whether nobody has anything in hand any more.
    pub(crate) fn quiet(&self) -> bool {
        self.queue.iter().all(|copies| *copies == 0)
            && self.workers.iter().all(|worker| *worker == Worker::Idle)
    }

    /// In a quiet world every submission has come to its end: done, refused, or with a person.
    pub(crate) fn check_ends(&self, setup: &Setup) -> Result<(), Broken> {
        for (submission, plan) in setup.plans.iter().enumerate() {
            for step in plan {
                let (admission, kind) = (step.wish.admission, step.wish.target.kind());
                let mut own = self.store.ops.iter().filter(|op| op.admission == admission && op.kind == kind);
                let Some(op) = own.find(|op| op.in_force) else {
                    // Whoever waited for it has answered for it; a person still has this one.
                    if self.held[submission] {
                        break;
                    }
                    return Err(Broken::Lost);
                };
                match op.state {
                    State::Done(_) => {}
                    State::Rejected { .. } => break,
                    // It is with a person: for its own doubt, or for another submission's creation of the same.
                    State::Parked | State::Ready if self.held[submission] => break,
                    _ => return Err(Broken::Lost),
                }
            }
        }
        Ok(())
    }
}
