//! The clock and identifiers as parameters: ambient calls are banned by lint outside `main.rs` and this file.

use jiff::Timestamp;
use uuid::Uuid;

/// Tells the time and makes identifiers. Tests replace it.
pub trait Clock: Send + Sync + 'static {
    /// The present moment.
    fn now(&self) -> Timestamp;
    /// A fresh time-ordered identifier (UUIDv7).
    fn fresh_id(&self) -> Uuid;
}

/// The system's clock and random numbers.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[allow(clippy::disallowed_methods, reason = "the one place that may")]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn fresh_id(&self) -> Uuid {
        Uuid::now_v7()
    }
}
