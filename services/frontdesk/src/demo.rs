//! The demo: sends the samples through both doors, waits until the line is empty, and accounts for every one of them.

mod amqp;
mod drain;
mod http;
mod plan;
mod reconcile;
mod report;
pub mod samples;

pub use amqp::publish;
pub use drain::drain;
pub use http::post;
pub use plan::{Door, Plan, Sent};
pub use reconcile::{Check, Facts, reconcile};
pub use report::{Timing, report, timing};
