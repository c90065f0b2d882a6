//! The gateway at the level of HTTP, with the broker and the database replaced by fakes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

mod accepting;
mod asking;
mod logging;
mod refusing;
mod retrying;
mod serving;
mod support;
