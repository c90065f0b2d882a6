//! The local runner: the whole system on one machine, each part its own process, with nothing left behind.

pub mod access;
pub mod backends;
pub mod certificates;
pub mod endpoints;
pub mod guard;
pub mod layout;
pub mod lock;
pub mod own;
pub mod records;
pub mod run;
pub mod sandbox;
pub mod secrets;
pub mod services;
pub mod settings;
pub mod stack;
pub mod supervisor;
pub mod sweep;

pub use layout::Layout;
pub use services::Dress;
pub use stack::{Options, Stack};
pub use supervisor::Supervisor;
