//! The commands, one file each.

pub mod acts;
pub mod demo;
pub mod dlq;
pub mod down;
pub mod health;
pub mod holds;
mod how;
pub mod keys;
pub mod manifests;
pub mod migrate;
pub mod outcomes;
pub mod reconcile;
pub mod recover;
pub mod secrets;
pub mod status;
pub mod submit;
pub mod switch;
pub mod templates;
pub mod test;
pub mod topology;
pub mod trace;
pub mod up;
