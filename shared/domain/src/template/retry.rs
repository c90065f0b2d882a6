//! How often and how long a clinic wants what failed to be tried again.

use serde::Deserialize;

/// Attempts that a clinic may ask for.
const ATTEMPTS: std::ops::RangeInclusive<u32> = 1..=100;
/// Ages that a clinic may ask for, in seconds: an hour to thirty days. Below that an outage of some minutes would fill the dead letters, and
/// nobody would wait for a payer that is down as long as the configuration says.
const MAX_AGE_S: std::ops::RangeInclusive<u64> = 3600..=2_592_000;

/// A clinic's own limits of retries. What it leaves out is as `[retry]` of the configuration has it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// Attempts before a message is dead, 1 to 100. What failed while an endpoint was down is none, and while an endpoint answers nobody else
    /// either the configuration's number counts, if that is larger.
    pub attempts: Option<u32>,
    /// Seconds since the first failure after which a message is dead, 3600 to 2 592 000.
    pub max_age_s: Option<u64>,
}

impl Retry {
    /// What is out of bounds.
    pub(super) fn check(&self) -> Vec<String> {
        let mut errors = Vec::new();
        if self.attempts.is_some_and(|attempts| !ATTEMPTS.contains(&attempts)) {
            errors.push(format!("retry.attempts: from {} to {}", ATTEMPTS.start(), ATTEMPTS.end()));
        }
        if self.max_age_s.is_some_and(|age| !MAX_AGE_S.contains(&age)) {
            errors.push(format!(
                "retry.max_age_s: from {} to {} seconds",
                MAX_AGE_S.start(),
                MAX_AGE_S.end()
            ));
        }
        errors
    }
}
