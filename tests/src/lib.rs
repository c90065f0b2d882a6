//! The whole line for end-to-end tests: the real `frontdesk up`, on the tests' broker and database, seen from outside only.

pub mod bench;
mod broker;
pub mod chaos;
mod door;
mod forms;
pub mod lanes;
pub mod leak;
mod letters;
mod line;
pub mod program;
pub mod runbook;
mod tap;
mod template;
mod traces;

pub use broker::Broker;
pub use door::{post, post_within};
pub use forms::Forms;
pub use letters::Dead;
pub use line::{Line, binary};
pub use traces::Trace;

/// How long anything may take before a test gives up. Generous: the machine may be compiling.
pub const PATIENCE: std::time::Duration = std::time::Duration::from_secs(240);
