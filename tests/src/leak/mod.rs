//! The leak proof: values that occur nowhere else are planted in every field of PHI, on every path that a submission can take, and then looked
//! for in everything that was written.
//!
//! - [`person`] makes up who is planted; [`canary`] knows the spellings of each value and [`encode`] the ways in which a program may write one.
//! - [`search`] finds them all at once, in bytes and in files of any size.
//! - [`paths`] sends the submissions, each on its way: happy, rejected, held, dead, replayed, under faults.
//! - [`sinks`] gathers what was written, and can plant a leak in each sink: one that is not found proves that nothing else would be.
//! - [`run`] is one proof from start to verdict, [`report`] tells.

pub mod args;
pub mod canary;
pub mod encode;
pub mod paths;
pub mod person;
pub mod report;
pub mod run;
pub mod search;
pub mod sinks;
pub mod world;
