//! What can be read: outcomes, one submission's status and timeline, and the counts that reconciliation holds together.

mod counts;
mod judged;
mod outcomes;
mod status;
mod timeline;

pub use counts::{Counts, EffectCount, Percentiles, StateCount};
pub use judged::Judged;
pub use outcomes::{OutcomeFilter, OutcomePage, OutcomeRow};
pub use status::{Late, State, Status};
pub use timeline::{EffectEvent, JournalRow, Timeline};
