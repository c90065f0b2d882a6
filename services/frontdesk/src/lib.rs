//! The command line of Frontdesk: a client of the ops API, and the local runner that `./dev` calls.
//!
//! - [`cli`] is what can be said; [`command`] has one file for each command.
//! - [`local`] runs the whole system on one machine and leaves nothing behind.
//! - [`recover`] brings back what a lost broker took along.
//! - [`door`] posts to the gateway, as a scenario would.
//! - [`kubernetes`] makes the manifests of each environment; [`containers`] makes the credentials of a line on one Docker host.
//! - [`demo`] sends the samples, waits until the line is empty, and accounts for every one of them.

pub mod cli;
pub mod command;
pub mod containers;
pub mod demo;
pub mod door;
pub mod exit;
pub mod kubernetes;
pub mod local;
pub mod ops;
pub mod output;
pub mod recover;
