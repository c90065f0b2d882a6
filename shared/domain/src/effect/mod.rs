//! The state machine of one effect in the EHR: pure, total, without IO or a clock of its own.
//!
//! ```text
//! READY ─ Begin ─→ INTENT ─→ DONE          2xx with an id
//!   ↑                 ├→ READY            provably without effect (never sent, 429, stale version)
//!   │                 ├→ REJECTED         permanent 4xx
//!   │                 └→ UNKNOWN          timeout, reset, 5xx, unreadable 2xx, lease expired
//!   │                      ├→ DONE        the search found one, and it agrees
//!   │                      ├→ CONFLICT    several, or one that disagrees
//!   └── two settled empty ─┤
//!       searches           └→ PARKED      this EHR cannot be searched: a person decides
//! ```
//!
//! [`step`] is the only way from one state to the next. The ledger stores what it returns; a model checker may drive it
//! as well: everything here is cloneable, comparable and hashable.
//!
//! The rules that it keeps, whatever the order of events:
//! - An outcome is believed only from the holder of a live lease. What comes later is answered by a search.
//! - UNKNOWN never becomes INTENT without READY between, and READY only after two searches that found nothing, began after
//!   the write could no longer land, and lie further apart than the EHR's index lags.
//! - DONE, REJECTED, CONFLICT and PARKED do not change. What people decide about them opens a new round of its own.

mod kind;
mod policy;
mod state;
mod step;

#[cfg(test)]
mod model;
#[cfg(test)]
mod table;

pub use kind::Kind;
pub use policy::{Class, Policy};
pub use state::{LeaseToken, Resource, State};
pub use step::{Command, Event, Refused, step};
