//! A fresh virtual host and a fresh database for each test, on the broker and the server that the environment names.
//!
//! `./dev test` starts both and sets the variables. What a killed test leaves behind is removed by the next one that
//! runs more than an hour later: the time of creation is part of the name.

mod database;
mod vhost;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub use database::TestDatabase;
pub use vhost::TestVhost;

use crate::admin::AdminError;

/// Leftovers older than this belong to a test that was killed.
const STALE: Duration = Duration::from_secs(60 * 60);

/// A test's surroundings could not be made.
#[derive(thiserror::Error)]
pub enum EnvError {
    /// The variable is not set.
    #[error("{0} is not set: run ./dev test, which starts a broker and a database and sets it")]
    Missing(&'static str),
    /// The server does not do it.
    #[error(transparent)]
    Server(#[from] AdminError),
}

// `unwrap` in a test prints this: the message, not the shape.
impl std::fmt::Debug for EnvError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

#[allow(clippy::disallowed_methods, reason = "tests are given their surroundings by the environment")]
fn variable(name: &'static str) -> Result<String, EnvError> {
    std::env::var(name).ok().filter(|text| !text.is_empty()).ok_or(EnvError::Missing(name))
}

#[allow(clippy::disallowed_methods, reason = "names of leftovers carry the real time of their creation")]
fn seconds_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// A name that nobody else has, such as `fdtest_1795341600_3f2a…`.
#[allow(clippy::disallowed_methods, reason = "unique names for tests that run at once")]
fn fresh_name() -> String {
    format!("{PREFIX}{}_{}", seconds_now(), uuid::Uuid::new_v4().simple())
}

const PREFIX: &str = "fdtest_";

/// Whether the name was made here, long ago.
fn is_stale(name: &str, now: u64) -> bool {
    name.strip_prefix(PREFIX)
        .and_then(|rest| rest.split_once('_'))
        .and_then(|(seconds, _)| seconds.parse::<u64>().ok())
        .is_some_and(|made| now.saturating_sub(made) > STALE.as_secs())
}

/// Runs a clean-up to its end from a `drop`, which may run on a thread of an asynchronous runtime, or while panicking.
///
/// It is the best that can be done: a failure leaves something behind for the next run to remove.
fn blocking<F>(cleanup: impl FnOnce() -> F + Send + 'static)
where
    F: Future<Output = ()>,
{
    let work = move || {
        if let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() {
            runtime.block_on(async { tokio::time::timeout(Duration::from_secs(20), cleanup()).await.ok() });
        }
    };
    std::thread::spawn(work).join().ok();
}

#[cfg(test)]
mod tests {
    use super::{fresh_name, is_stale, seconds_now};

    #[test]
    fn only_old_names_of_ours_are_stale() {
        let now = seconds_now();
        assert!(!is_stale(&fresh_name(), now));
        assert!(is_stale(&fresh_name(), now + 3700));
        for other in ["/", "fdtest_", "fdtest_x_y", "production", "fdtest_12"] {
            assert!(!is_stale(other, now), "{other}");
        }
    }
}
