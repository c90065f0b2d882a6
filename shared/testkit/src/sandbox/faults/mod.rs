//! Faults on purpose: which request fails, how, and how often it did.

mod class;
mod decide;
mod fault;
mod rule;
mod serve;

pub use class::{Class, Interaction};
pub(crate) use decide::{Faults, Injection, Request};
pub use fault::{Commit, Fault, LateAnswer};
pub use rule::{FaultReport, Rule, RuleReport};
pub(crate) use serve::{Served, pause, serve};
