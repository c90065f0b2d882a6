//! The transitions.

use jiff::Timestamp;

use super::{
    policy::{Policy, later},
    state::{LeaseToken, Resource, State},
};
use crate::Code;

/// What happened. Every event carries its moment: the machine has no clock.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Event {
    /// A worker wants to write. `token` has never been used for this effect.
    Begin {
        /// The lease's token, should it be given.
        token: LeaseToken,
        /// Now.
        at: Timestamp,
    },
    /// The EHR confirmed the write, with an id.
    Succeeded {
        /// Under this lease.
        token: LeaseToken,
        /// What was written.
        resource: Resource,
        /// Now.
        at: Timestamp,
    },
    /// Provably without effect: never sent, or refused by contract without a trace (429, a stale version).
    WithoutEffect {
        /// Under this lease.
        token: LeaseToken,
        /// Now.
        at: Timestamp,
    },
    /// The EHR refused it for good.
    Refused {
        /// Under this lease.
        token: LeaseToken,
        /// Why.
        code: Code,
        /// Now.
        at: Timestamp,
    },
    /// Timeout, reset, 5xx, or a 2xx that cannot be read.
    Ambiguous {
        /// Under this lease.
        token: LeaseToken,
        /// Now.
        at: Timestamp,
    },
    /// Somebody looks whether the lease has ended.
    Lapse {
        /// Now.
        at: Timestamp,
    },
    /// The search found exactly one, and it agrees with what was to be written.
    Found {
        /// For this lease's write.
        token: LeaseToken,
        /// What was found.
        resource: Resource,
    },
    /// The search found several, or one that disagrees.
    FoundConflict {
        /// For this lease's write.
        token: LeaseToken,
    },
    /// The search found nothing.
    FoundNone {
        /// For this lease's write.
        token: LeaseToken,
        /// When the search began.
        began: Timestamp,
    },
}

/// What the caller does after it has committed the new state.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Command {
    /// Write, under this lease, before it ends.
    Write {
        /// The lease's token.
        token: LeaseToken,
        /// When it ends.
        until: Timestamp,
    },
    /// Another worker may be writing: come back then.
    Wait {
        /// When its lease ends.
        until: Timestamp,
    },
    /// Search for what the lease wrote; a search that begins earlier does not count.
    Search {
        /// The lease in question.
        token: LeaseToken,
        /// When the next search may begin.
        not_before: Timestamp,
    },
    /// It is READY again: begin again when the EHR may be asked again.
    Again,
    /// It has come to an end: the state says which.
    Finish,
}

/// Why an event changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refused {
    /// The lease that it speaks for is not the one in force.
    #[error("another lease is in force, or none")]
    Fenced,
    /// The lease has not ended.
    #[error("the lease has not ended")]
    LeaseHolds,
    /// The effect has come to its end.
    #[error("the effect has come to its end")]
    Final,
}

/// The next state and what to do in it, or why the event changes nothing.
///
/// # Errors
/// [`Refused`]: the state stays as it is.
pub fn step(state: &State, event: &Event, policy: &Policy) -> Result<(State, Command), Refused> {
    match (state, event) {
        (ended, Event::Begin { .. }) if ended.is_final() => Ok((ended.clone(), Command::Finish)),
        (ended, _) if ended.is_final() => Err(Refused::Final),

        (State::Ready, Event::Begin { token, at }) => {
            let until = later(*at, policy.lease);
            Ok((State::Intent { token: *token, until }, Command::Write { token: *token, until }))
        }
        (State::Ready, Event::Lapse { .. }) => Ok((State::Ready, Command::Again)),

        (State::Intent { token, until }, event) => within_lease(*token, *until, event, policy),

        (State::Unknown { token, since, empty }, event) => {
            resolving(Ambiguity { token: *token, since: *since, empty: *empty }, event, policy)
        }

        (_, _) => Err(Refused::Fenced),
    }
}

/// INTENT: the lease's holder is believed while the lease lives; after that only searches are.
fn within_lease(
    holder: LeaseToken,
    until: Timestamp,
    event: &Event,
    policy: &Policy,
) -> Result<(State, Command), Refused> {
    let (speaker, at) = match event {
        Event::Begin { at, .. } | Event::Lapse { at } => (None, *at),
        Event::Succeeded { token, at, .. }
        | Event::WithoutEffect { token, at }
        | Event::Refused { token, at, .. }
        | Event::Ambiguous { token, at } => (Some(*token), *at),
        Event::Found { .. } | Event::FoundConflict { .. } | Event::FoundNone { .. } => {
            return Err(Refused::Fenced);
        }
    };
    if speaker.is_some_and(|token| token != holder) {
        return Err(Refused::Fenced);
    }
    if at >= until {
        return Ok(lost(holder, at, policy));
    }
    match event {
        Event::Succeeded { resource, .. } => Ok((State::Done(resource.clone()), Command::Finish)),
        Event::WithoutEffect { .. } => Ok((State::Ready, Command::Again)),
        Event::Refused { code, .. } => Ok((State::Rejected { code: *code }, Command::Finish)),
        Event::Ambiguous { .. } => Ok(lost(holder, at, policy)),
        Event::Begin { .. } => Ok((State::Intent { token: holder, until }, Command::Wait { until })),
        _ => Err(Refused::LeaseHolds),
    }
}

/// The outcome of a lease's write is not known: searched for, or given to a person.
fn lost(token: LeaseToken, at: Timestamp, policy: &Policy) -> (State, Command) {
    if policy.searchable() {
        let not_before = later(at, policy.lateness);
        (State::Unknown { token, since: at, empty: None }, Command::Search { token, not_before })
    } else {
        (State::Parked, Command::Finish)
    }
}

/// The fields of [`State::Unknown`].
#[derive(Clone, Copy)]
struct Ambiguity {
    token: LeaseToken,
    since: Timestamp,
    empty: Option<Timestamp>,
}

impl Ambiguity {
    fn stay(self, policy: &Policy) -> (State, Command) {
        let Self { token, since, empty } = self;
        let not_before = match empty {
            None => later(since, policy.lateness),
            Some(first) => later(first, policy.index_lag),
        };
        (State::Unknown { token, since, empty }, Command::Search { token, not_before })
    }
}

/// UNKNOWN: only searches count.
fn resolving(unknown: Ambiguity, event: &Event, policy: &Policy) -> Result<(State, Command), Refused> {
    let searched = match event {
        Event::Begin { .. } | Event::Lapse { .. } => None,
        Event::Found { token, .. } | Event::FoundConflict { token } | Event::FoundNone { token, .. } => {
            Some(*token)
        }
        _ => return Err(Refused::Fenced),
    };
    if searched.is_some_and(|token| token != unknown.token) {
        return Err(Refused::Fenced);
    }
    match event {
        Event::Found { resource, .. } => Ok((State::Done(resource.clone()), Command::Finish)),
        Event::FoundConflict { .. } => Ok((State::Conflict, Command::Finish)),
        _ if !policy.searchable() => Ok((State::Parked, Command::Finish)),
        Event::FoundNone { began, .. } => Ok(found_none(unknown, *began, policy)),
        _ => Ok(unknown.stay(policy)),
    }
}

fn found_none(unknown: Ambiguity, began: Timestamp, policy: &Policy) -> (State, Command) {
    match unknown.empty {
        _ if began < later(unknown.since, policy.lateness) => unknown.stay(policy),
        None => Ambiguity { empty: Some(began), ..unknown }.stay(policy),
        Some(first) if began > later(first, policy.index_lag) => (State::Ready, Command::Again),
        Some(_) => unknown.stay(policy),
    }
}
