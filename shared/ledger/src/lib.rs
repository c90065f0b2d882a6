//! Postgres, and nobody else knows it: admissions, the journal, the EHR-writer's ledger, notifications, the payers' answers,
//! switches, dead letters and their replay, what is held for people, reconciliations, the acts of people, and what can be read of them all.
//!
//! - Every write is group-committed and answered after the COMMIT: see [`Store`].
//! - Every operation may be repeated: after [`StoreDown`](domain::ports::StoreDown) a commit may have happened.
//! - Nothing here is PHI in clear; what is protected comes sealed and goes sealed.
//! - No server message is logged or returned, only its SQLSTATE.

pub mod acts;
pub mod admit;
mod batch;
mod columns;
mod config;
mod connect;
pub mod effects;
pub mod eligibility;
mod failure;
pub mod grants;
pub mod holds;
mod hops;
pub mod letters;
pub mod look_up;
mod migrate;
pub mod notifications;
mod range;
pub mod read;
pub mod reconcile;
pub mod replay;
mod spans;
mod store;
pub mod switches;
mod text;
pub mod watch;

pub use admit::{
    Admission, AdmissionRequest, AdmitError, Decision, MatchDecision, MatchRequest, Matcher, Proposed,
};
pub use config::{Config, ConfigError};
pub use effects::{After, Begin, BeginEffect, EffectResult, Permit, SearchResult, Target, Ticket};
pub use migrate::{MigrateError, migrate};
pub use store::Store;
