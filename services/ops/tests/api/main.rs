//! The API at the level of HTTP, with fakes where the database and the broker are.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

mod allowing;
mod answering;
mod holds;
mod letters;
mod support;
mod switching;
mod traces;
