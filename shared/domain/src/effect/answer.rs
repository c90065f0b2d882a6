//! What the ledger answers, and what workers say.

use jiff::Timestamp;

use super::{LeaseToken, OpRef, Permit, Resource, Ticket};
use crate::Code;

/// What the ledger answers to a worker that wants to write.
#[derive(Debug)]
pub enum Begin {
    /// Write now.
    Go(Permit),
    /// It is there already (or, for an update, something newer is).
    Done(Resource),
    /// There is nothing to do: a release without a claim.
    Nothing,
    /// Somebody else may be writing. It usually ends much earlier than its lease: come back soon.
    Wait {
        /// When the lease ends: the latest moment at which something changes.
        until: Timestamp,
    },
    /// Search first.
    Resolve(Ticket),
    /// A person decides: the EHR cannot be asked.
    Parked,
    /// A person decides: the EHR holds several, or one that disagrees.
    Conflict,
    /// The EHR refused it for good.
    Rejected {
        /// Why.
        code: Code,
    },
}

/// What came of a write.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum EffectResult {
    /// 2xx with an id.
    Done(Resource),
    /// Never sent, or 429.
    NotSent,
    /// The version was not the current one: nothing was changed. With the current one, if the EHR said it.
    Stale {
        /// The current version.
        version: Option<String>,
    },
    /// Permanent 4xx.
    Rejected {
        /// Why.
        code: Code,
    },
    /// Anything else.
    Unknown,
}

/// What came of a search.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SearchResult {
    /// Exactly one, and it agrees.
    Found(Resource),
    /// Several, or one that disagrees.
    Conflict,
    /// Nothing; for a change: it does not show.
    Nothing {
        /// When the search began, by the same clock as the store's.
        began: Timestamp,
    },
}

/// Where the effect stands after an outcome or a search.
#[derive(Debug)]
pub enum After {
    /// It is there.
    Done(Resource),
    /// Nothing of it is there: begin again (for a throttled write, later).
    Again,
    /// Search, then tell.
    Resolve(Ticket),
    /// Refused for good.
    Rejected {
        /// Why.
        code: Code,
    },
    /// A person decides: the EHR holds several, or one that disagrees.
    Conflict,
    /// A person decides: the EHR cannot be asked.
    Parked,
    /// Another lease is in force, or it has ended otherwise: begin again to learn.
    Fenced,
}

/// What a worker says.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Told {
    /// About which effect.
    pub of: OpRef,
    /// Under which lease.
    pub token: LeaseToken,
    /// What.
    pub what: What,
}

/// About a write, or about a search.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum What {
    /// What came of the write.
    Wrote(EffectResult),
    /// What the search found.
    Searched(SearchResult),
}

impl Told {
    /// What came of the write under a permit.
    pub const fn wrote(permit: &Permit, result: EffectResult) -> Self {
        Self { of: permit.of, token: permit.token, what: What::Wrote(result) }
    }

    /// What the search for a ticket found.
    pub const fn searched(ticket: &Ticket, result: SearchResult) -> Self {
        Self { of: ticket.of, token: ticket.token, what: What::Searched(result) }
    }
}
