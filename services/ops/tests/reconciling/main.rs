//! A reconciliation over a real database and a real broker, with an EHR in memory that somebody meddles with.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

mod asking;
mod differences;
mod doing;
mod silence;
mod support;
