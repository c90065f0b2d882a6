//! Are two intakes of one clinic the same person?
//!
//! A [`PersonRecord`] is what of an intake identifies a person, normalised. [`PersonRecord::block_keys`] are the
//! blind indexes by which a store finds the records worth comparing. The [`Matcher`] compares two records by written
//! weights, within [guard rules](rules) that no weight can outvote. [`resolve`] turns the verdicts on all candidates into a decision.
//!
//! To merge two persons is worse than to ask: whatever is not plainly the same person is doubtful or different.

mod address;
mod contact;
mod estimate;
pub mod kept;
mod keys;
mod levels;
mod matcher;
mod names;
mod record;
mod resolve;
pub mod rules;

#[cfg(test)]
mod tests;

pub use contact::{Contact, ContactKind};
pub use estimate::estimate;
pub use matcher::{Alike, Assessment, Matcher};
pub use record::PersonRecord;
pub use resolve::{Resolution, resolve};

pub use super::model::Verdict;

/// The written weights (`data/person-weights.toml`).
pub const WEIGHTS: &str = include_str!("../../../data/person-weights.toml");

/// Groups of given names that stand for one another (`data/nicknames.txt`).
const NICKNAMES: &str = include_str!("../../../data/nicknames.txt");
