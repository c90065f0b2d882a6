//! Reconciliation: what the ledger brings to it, and where its results are kept.

mod accepted;
mod facts;
mod runs;
mod turn;

pub use accepted::Untold;
pub use runs::{Kept, Row, Run};
pub use turn::Turn;
