//! What every service stands on, and the only crate that knows AMQP.
//!
//! - [`boot`]: one `main` for every binary: arguments, settings, tracing, signals, health, an honest exit code.
//! - [`config`]: one file for all services, each its sections; the environment overrides.
//! - [`amqp`]: one supervised connection, and a publisher whose `publish` resolves at the broker's confirm.
//! - [`stage`]: `run_stage`, which turns a [`stage::Handler`] into a consumer that never loses a delivery.
//! - [`keys`]: where the sealing keys come from, and how a running process takes up new ones.
//! - [`again`]: publishes what was admitted again.
//! - [`letters`]: takes the dead letters from the broker to where they are kept.
//! - [`topology`]: every exchange, queue, binding and permission as one value, and a client that applies it.
//! - [`telemetry`]: JSON logs, traces, counters.
//!
//! One delivery, whatever the stage, goes
//! `receive → decode → open → handle → (publish onward, confirmed and routed) ∥ (journal row committed) → ack`;
//! the steps are in `stage/executor.rs` and `stage/effect.rs`.

pub mod again;
pub mod amqp;
pub mod boot;
pub mod clinics;
pub mod config;
mod drill;
pub mod keys;
pub mod letters;
pub mod stage;
pub mod telemetry;
pub mod topology;

pub use boot::{Boot, main};
pub use config::{ConfigError, Settings};
pub use stage::{Context, Handler, Incoming, Input, StageError, run_stage};
