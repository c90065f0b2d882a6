//! The HTTP door of the line: authenticates, bounds, seals, publishes, and answers 202 only after the broker's confirm.
//!
//! It needs no database to accept. What it refuses, it refuses with a problem document ([`problem::Kind`]).

mod app;
pub mod auth;
pub mod body;
mod boundary;
pub mod config;
mod count;
mod idempotency;
mod intake;
mod line;
mod memory;
mod pauses;
pub mod ports;
pub mod problem;
mod routes;
mod run;
mod server;
pub mod sources;
mod status;
pub mod submission;

pub use app::App;
pub use count::{Counter, NoCount};
pub use idempotency::{Replays, Submissions};
pub use line::{Line, NoStore};
pub use pauses::Pauses;
pub use routes::{Route, router};
pub use run::run;
pub use server::{Entrance, serve};
