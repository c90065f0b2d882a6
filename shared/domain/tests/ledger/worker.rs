//! Workers, as far as their memory goes. What `ehr-writer` does with an effect, a worker does here.

use domain::effect::{EffectResult, LeaseToken, OpRef, Permit, Resource, Role, SearchResult, Told, What};
use jiff::Timestamp;

use crate::ehr::Flight;

/// What a worker is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Worker {
    Idle,
    /// It is done with one step of a submission, and goes on with this one.
    Next(Job),
    /// It may write.
    Holding(Job, Lease),
    /// It has sent the write, and waits for an answer.
    Waiting(Job, Lease, Flight),
    /// It knows what came of its write, and nobody else does.
    Wrote(Job, Lease, EffectResult),
    /// It knows what a search found.
    Searched(Job, Told),
}

/// A delivery in hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Job {
    pub(crate) submission: usize,
    pub(crate) step: usize,
}

/// A permit that is remembered: the model takes back and copies worlds, which no permit allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lease {
    pub(crate) of: OpRef,
    pub(crate) token: LeaseToken,
    pub(crate) until: Timestamp,
    pub(crate) role: Role,
    pub(crate) resource: Option<Resource>,
}

impl From<Permit> for Lease {
    fn from(permit: Permit) -> Self {
        let (of, token, until) = (permit.of(), permit.token, permit.until);
        Self { of, token, until, role: permit.role, resource: permit.resource }
    }
}

impl Lease {
    /// What its holder tells.
    pub(crate) fn told(&self, said: &EffectResult) -> Told {
        Told { of: self.of, token: self.token, what: What::Wrote(said.clone()) }
    }
}

impl Worker {
    /// When the lease ends of a worker who is not done with it.
    pub(crate) const fn until(&self) -> Option<Timestamp> {
        match self {
            Self::Holding(_, lease) | Self::Waiting(_, lease, _) | Self::Wrote(_, lease, _) => {
                Some(lease.until)
            }
            Self::Idle | Self::Next(_) | Self::Searched(..) => None,
        }
    }

    pub(crate) const fn flight(&self) -> Option<&Flight> {
        match self {
            Self::Waiting(_, _, flight) => Some(flight),
            _ => None,
        }
    }

    pub(crate) const fn flight_mut(&mut self) -> Option<&mut Flight> {
        match self {
            Self::Waiting(_, _, flight) => Some(flight),
            _ => None,
        }
    }

    pub(crate) fn moments(&mut self, visit: &mut dyn FnMut(&mut Timestamp)) {
        match self {
            Self::Holding(_, lease) | Self::Waiting(_, lease, _) | Self::Wrote(_, lease, _) => {
                visit(&mut lease.until);
            }
            Self::Searched(_, told) => {
                if let What::Searched(SearchResult::Nothing { began }) = &mut told.what {
                    visit(began);
                }
            }
            Self::Idle | Self::Next(_) => {}
        }
    }
}
