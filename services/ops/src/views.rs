//! What the API shows. No PHI: states, codes, field paths of our own model, and opaque ids.
//!
//! `schemas/openapi.ops.json` describes each of them; a test holds the two together.

mod admission;
mod counts;
mod glance;

pub use admission::{Admission, Effect, Step};
pub use counts::{EffectCount, JournalCounts, NotificationCount, Reconciliation, StateCount, Took};
pub use glance::{Glance, Pause, Queue};
