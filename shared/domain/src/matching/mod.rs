//! Probabilistic record linkage after Fellegi and Sunter (1969), pure: no IO, no clock, no randomness.
//!
//! Two records are compared field by field. Each comparison ends in one agreement *level* (exact, one typing error,
//! similar, …, different) or is missing. A level weighs `log2(m/u)` bits, where *m* is how often records of one
//! person show it and *u* how often records of two persons do. The sum of the bits, with the prevalence of matches,
//! is the log-odds that the two records are one person.
//!
//! - [`spec`]: which columns are compared how, and by which keys candidate pairs are found: data, TOML.
//! - [`link`]: a table of records, its candidate pairs, and their scores under a model.
//! - [`em`]: estimates m, u and the prevalence from the records themselves, without labels.
//! - [`model`]: the weights and the two thresholds: data, TOML.
//! - [`person`]: the matcher of patients: written weights, plus guard rules that no weight can outvote.
//!
//! `docs/matching.md` tells the whole, with measured figures.

pub mod block;
pub mod compare;
pub mod em;
pub mod evaluate;
pub mod link;
pub mod model;
pub mod pattern;
pub mod person;
pub mod spec;
pub mod table;
pub mod text;

pub use link::Linker;
pub use model::{Model, ModelError, Verdict};
pub use spec::Spec;
pub use table::Table;

/// The specification for the FEBRL benchmark's columns (`data/febrl.toml`): comparators and blocking, no weights.
pub const FEBRL_SPEC: &str = include_str!("../../data/febrl.toml");

/// The smallest FEBRL data set, 500 persons and 500 altered copies (`data/febrl1.csv`).
pub const FEBRL_1: &str = include_str!("../../data/febrl1.csv");
