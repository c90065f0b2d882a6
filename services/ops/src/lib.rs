//! The operators' HTTP API: outcomes, timelines, counts, switches, dead letters and their replay, what is held for people, reconciliations, and
//! the acts of people. Every call is authorised in one place, [`access`]
//! says who may do what, and nothing that it answers is PHI but what `editing` shows of one field, to a person who has said what for.

pub mod access;
mod acts;
pub mod backlog;
pub mod config;
pub mod editing;
pub mod edits;
mod ends;
pub mod gauges;
mod guard;
mod holds;
mod letters;
mod looking;
pub mod names;
mod outcomes;
mod plans;
pub mod ports;
pub mod problem;
mod query;
pub mod reconcile;
mod reconciliations;
pub mod releases;
pub mod replay;
mod routes;
mod run;
mod said;
mod secure;
pub mod silence;
mod switches;
pub mod tokens;
mod traces;
pub mod views;
mod waiting;
mod watch;

use std::sync::Arc;

use domain::{blind::IndexKey, clock::Clock};
use tokio::sync::Notify;

pub use routes::router;
pub use run::run;

use crate::{
    names::Names,
    ports::{Queues, Records},
    reconcile::Reconciler,
    replay::Replay,
    silence::Silences,
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
    /// What there is to be paused.
    pub names: Names,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What replays dead letters and ends them; `None`: this process has no broker, and only looks.
    pub replay: Option<Arc<Replay>>,
    /// The key of the blind indexes; without it nobody is looked up by phone or e-mail.
    pub index: Option<Arc<IndexKey>>,
    /// Is told of each decision that lets something go on.
    pub decided: Arc<Notify>,
    /// What a reconciliation asks; `None`: no clinics or no EHRs are configured here.
    pub reconciler: Option<Arc<Reconciler>>,
    /// Who is silent.
    pub silences: Silences,
}
