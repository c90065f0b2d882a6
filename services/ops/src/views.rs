//! What the API shows. No PHI: states, codes, field paths of our own model, and opaque ids.
//!
//! `schemas/openapi.ops.json` describes each of them; a test holds the two together.

mod acts;
mod admission;
mod breakers;
mod counts;
mod glance;
mod hold;
mod letter;
mod places;
mod reconciliation;
mod traced;

pub use acts::{Act, Acts};
pub use admission::{Admission, Effect, Step};
pub use breakers::Breaker;
pub use counts::{EffectCount, JournalCounts, NotificationCount, Reconciliation, StateCount, Took};
pub use glance::{Glance, Pause, Queue};
pub use hold::{Hold, Ruling};
pub use letter::Letter;
pub use places::{Place, lanes};
pub use reconciliation::{DifferenceCount, Found, Run, RunSummary, SilentSource};
pub use traced::{Match, Traced};
