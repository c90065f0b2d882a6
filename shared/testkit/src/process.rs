//! Processes of our own: starting them apart from the terminal, recognising them later, ending them for certain.

mod identity;
mod program;

pub use identity::ProcessId;
pub use program::Program;
