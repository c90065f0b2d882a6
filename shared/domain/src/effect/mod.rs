//! The EHR-writer's ledger: the state machine of one effect in the EHR, and the [`Book`] of many effects and of what they share.
//! Pure, total, without IO or a clock of its own.
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
//! [`step`] is the only way from one state to the next, and [`Book`] the only caller of it: the ledger stores what a book
//! decides, and the model test (`tests/ledger`) drives one through everything that goes wrong.
//!
//! The rules that it keeps, whatever the order of events:
//! - An outcome is believed only from the holder of a live lease. What comes later is answered by a search.
//! - UNKNOWN never becomes INTENT without READY between, and READY only after two searches that found nothing, began after
//!   the write could no longer land, and lie further apart than the EHR's index lags.
//! - DONE, REJECTED, CONFLICT and PARKED do not change. What people decide about them opens a new round of its own: see [`Said`].
//! - What several submissions share has one writer at a time. It is created once, and no update goes over a newer one, nor over a
//!   newer one that may be there.

mod answer;
mod book;
mod kind;
mod permit;
mod policy;
mod protections;
mod state;
mod step;
mod wish;

#[cfg(test)]
mod model;
#[cfg(test)]
mod table;

pub use answer::{After, Begin, EffectResult, SearchResult, Told, What};
pub use book::{Book, Decided, Mark, Op, Said, Slot, Trail, Unheard};
pub use kind::Kind;
pub use permit::{OpRef, Permit, Role, Ticket};
pub use policy::{Class, Policy};
pub use protections::Protections;
pub use state::{LeaseToken, Resource, State};
pub use step::{Command, Event, Refused, step};
pub use wish::{BeginEffect, SlotKey, Target};
