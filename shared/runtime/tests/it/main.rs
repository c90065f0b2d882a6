//! The runtime against a real broker: every test has a virtual host of its own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod again;
mod bad_input;
mod boot;
mod connection;
mod keys;
mod letters;
mod outcomes;
mod pauses;
mod permissions;
mod poison;
mod publishing;
mod shutdown;
mod support;

mod tls_broker;
mod topology;
