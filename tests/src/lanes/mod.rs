//! Lanes, measured: what a flood of one clinic does to another lane. [`run`] is one measurement, [`report`] tells.
//!
//! Each lane has processes of its own at every stage, as it has where each lane is scaled alone. They share the broker, the database, the EHR
//! and this machine's processors.

pub mod args;
pub mod report;
pub mod run;
