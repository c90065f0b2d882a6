//! Dead letters are dry-run and replayed over a real broker and a real database.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

mod api;
mod dry;
mod editing;
mod revealing;
mod running;
mod support;
