//! What can be read: outcomes, one submission's status and timeline, the counts that reconciliation holds together, what goes on now,
//! and what has to be brought back when the broker has lost its data.

mod activity;
mod arrivals;
mod counts;
mod judged;
mod open;
mod outcomes;
mod sealed;
mod status;
mod thread;
mod timeline;
mod unfinished;

pub use activity::{Activity, Flow, Oldest, Parked};
pub use counts::{Counts, EffectCount, Percentiles, StateCount};
pub use judged::Judged;
pub use open::{Class, OnItsWay, Open};
pub use outcomes::{OutcomeFilter, OutcomePage, OutcomeRow};
pub use sealed::SealedUnder;
pub(crate) use status::{COLUMNS as STATUS_COLUMNS, status as status_row};
pub use status::{Late, State, Status};
pub(crate) use thread::TRACE;
pub use thread::Thread;
pub use timeline::{EffectEvent, JournalRow, Timeline};
pub use unfinished::{Kept, Stopped, Unfinished, Waiting};
