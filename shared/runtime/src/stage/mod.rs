//! What a stage is ([`Handler`]), and how it is run ([`run_stage`]).
//!
//! A handler decides; everything else (receiving, opening, publishing, retrying, journalling, acknowledging) is done here.

mod acks;
mod alone;
mod breaker;
mod case;
mod check;
mod context;
mod effect;
mod executor;
mod failed;
mod handler;
mod hop;
mod lane;
mod lived;
pub(crate) mod parcel;
mod pauses;
mod report;
mod retry;
mod run;

pub use context::Context;
pub use handler::{Handler, Incoming, Input, RAW_SCHEMA};
pub use retry::Wait;
pub use run::{StageError, run_stage};
