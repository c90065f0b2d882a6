//! What tests and the local runner stand on: a private broker and database, fresh surroundings for each test, waiting with
//! a deadline, a proxy that cuts and delays connections, and the sandbox that plays the outside world.

pub mod admin;
pub mod backends;
pub mod certificates;
pub mod collector;
pub mod desk;
pub mod env;
mod http;
pub mod process;
pub mod proxy;
pub mod sandbox;
pub mod vault;
pub mod wait;
