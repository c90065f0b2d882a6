//! The operators' HTTP API: outcomes, timelines, counts, switches. Every call is authorised in one place, [`access`]
//! says who may do what, and nothing that it answers is PHI.

pub mod access;
pub mod config;
mod guard;
mod looking;
mod outcomes;
pub mod ports;
pub mod problem;
mod query;
mod routes;
mod run;
mod switches;
pub mod tokens;
pub mod views;

use std::sync::Arc;

use domain::clock::Clock;

pub use routes::router;
pub use run::run;

use crate::{
    ports::{Queues, Records},
    tokens::Tokens,
};

/// The API, wired.
pub struct App {
    /// Who may use it.
    pub tokens: Tokens,
    /// The ledger and the journal.
    pub records: Arc<dyn Records>,
    /// The broker's queues.
    pub queues: Arc<dyn Queues>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}
