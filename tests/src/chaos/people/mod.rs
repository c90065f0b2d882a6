//! Persons and submissions, made up by a seed.
//!
//! Everything about a person follows from the seed and the person's number, and everything about a submission from the seed
//! and its place in the plan: so a plan of any length needs no memory but for the few retries that are yet to come, and the
//! same seed gives the same plan on every machine.

mod calendar;
mod clinic;
mod dice;
mod form;
mod offer;
mod person;
mod plan;
mod poison;

pub use clinic::{Clinic, Form};
pub(crate) use form::{Entries, filled};
pub use offer::{Offer, load, offers};
pub(crate) use person::word;
pub use person::{PERSONS, Person};
pub use plan::{Asked, Dispatch, Door, Parcel, Plan, plan};
pub use poison::Poison;

#[cfg(test)]
mod tests;
