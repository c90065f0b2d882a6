//! When a message comes back: the wait queues, and the policy that picks one.

use std::{sync::Arc, time::Duration};

use backoff::{ExponentialBackoff, backoff::Backoff};
use domain::{ClinicId, clock::Clock, ports::RetryLimits};
use jiff::Timestamp;

use crate::config::RetrySection;

/// A shared wait queue. Each has a fanout exchange of its own name, so that the routing key stays free to say where the message
/// belongs: when its time is up, the default exchange puts it there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wait {
    /// One second.
    S1,
    /// Five seconds.
    S5,
    /// Thirty seconds.
    S30,
    /// Two minutes.
    M2,
    /// Ten minutes.
    M10,
    /// One hour.
    H1,
}

impl Wait {
    /// From the shortest to the longest.
    pub const ALL: [Self; 6] = [Self::S1, Self::S5, Self::S30, Self::M2, Self::M10, Self::H1];

    /// The name of the exchange and of the queue.
    pub const fn name(self) -> &'static str {
        match self {
            Self::S1 => "wait.1s",
            Self::S5 => "wait.5s",
            Self::S30 => "wait.30s",
            Self::M2 => "wait.2m",
            Self::M10 => "wait.10m",
            Self::H1 => "wait.1h",
        }
    }

    /// How long messages stay in it.
    pub const fn time(self) -> Duration {
        Duration::from_secs(match self {
            Self::S1 => 1,
            Self::S5 => 5,
            Self::S30 => 30,
            Self::M2 => 120,
            Self::M10 => 600,
            Self::H1 => 3600,
        })
    }

    /// The shortest wait that is at least this long; an hour if none is. A handler that wants longer is asked again then.
    pub fn at_least(time: Duration) -> Self {
        Self::ALL.into_iter().find(|wait| wait.time() >= time).unwrap_or(Self::H1)
    }
}

/// How often and how long: as the clinic wants it, else as the configuration says.
#[derive(Clone)]
pub(super) struct RetryPolicy {
    section: RetrySection,
    clinics: Arc<dyn RetryLimits>,
}

impl RetryPolicy {
    pub(super) fn new(section: RetrySection, clinics: Arc<dyn RetryLimits>) -> Self {
        Self { section, clinics }
    }

    /// Whether a message that failed at this attempt, first at that time, has had its chances. Whose it is, is not known of what could not
    /// be opened. The last `silent` attempts failed at an endpoint that has answered nobody since: whether that is an outage is known only
    /// later, and no clinic that wants fewer attempts than the configuration gives fills the dead letters meanwhile.
    pub(super) fn exhausted(
        &self,
        clinic: Option<&ClinicId>,
        (attempt, silent): (u32, u32),
        first_failed_at: Timestamp,
        now: Timestamp,
    ) -> bool {
        let own = clinic.map(|clinic| self.clinics.of(clinic)).unwrap_or_default();
        let age = now.duration_since(first_failed_at);
        let max_age_s = own.max_age_s.unwrap_or(self.section.max_age_s);
        let attempts = own.attempts.unwrap_or(self.section.attempts);
        attempt >= attempts.max(self.section.attempts)
            || attempt.saturating_sub(silent) >= attempts
            || age.as_secs() >= i64::try_from(max_age_s).unwrap_or(i64::MAX)
    }

    /// Where a message waits that failed at this attempt (from 1): exponential, with full jitter, `chance` being from 0 to 1.
    pub(super) fn wait(&self, attempt: u32, chance: f64) -> Wait {
        Wait::at_least(self.nominal(attempt).mul_f64(chance.clamp(0.0, 1.0)))
    }

    /// The delay after this attempt without jitter.
    fn nominal(&self, attempt: u32) -> Duration {
        let longest = Duration::from_millis(self.section.max_ms);
        let mut delays = ExponentialBackoff {
            initial_interval: Duration::from_millis(self.section.base_ms),
            max_interval: longest,
            multiplier: self.section.factor,
            randomization_factor: 0.0,
            max_elapsed_time: None,
            ..ExponentialBackoff::default()
        };
        delays.reset();
        let steps = attempt.clamp(1, 64);
        (0..steps).filter_map(|_| delays.next_backoff()).last().unwrap_or(longest)
    }
}

/// A chance from 0 to 1 out of the injected clock's fresh identifiers, whose low 32 bits are random.
pub(super) fn chance(clock: &dyn Clock) -> f64 {
    let [.., a, b, c, d] = *clock.fresh_id().as_bytes();
    f64::from(u32::from_be_bytes([a, b, c, d])) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use domain::{ClinicId, ports::RetryLimits, template::Retry};
    use jiff::{SignedDuration, Timestamp};
    use proptest::prelude::*;

    use super::{RetryPolicy, Wait};
    use crate::config::RetrySection;

    /// One clinic wants three attempts, one an hour.
    struct Two;

    impl RetryLimits for Two {
        fn of(&self, clinic: &ClinicId) -> Retry {
            match clinic.as_str() {
                "impatient" => Retry { attempts: Some(3), max_age_s: None },
                "hurried" => Retry { attempts: None, max_age_s: Some(3600) },
                _ => Retry::default(),
            }
        }
    }

    fn policy() -> RetryPolicy {
        RetryPolicy::new(RetrySection::default(), Arc::new(Two))
    }

    #[test]
    fn without_luck_the_waits_grow_to_an_hour() {
        let waits: Vec<&str> = (1..=14).map(|attempt| policy().wait(attempt, 1.0).name()).collect();
        assert_eq!(
            waits,
            [
                "wait.1s", "wait.5s", "wait.5s", "wait.30s", "wait.30s", "wait.2m", "wait.2m", "wait.10m",
                "wait.10m", "wait.10m", "wait.1h", "wait.1h", "wait.1h", "wait.1h"
            ]
        );
    }

    proptest! {
        #[test]
        fn a_wait_is_never_shorter_than_asked_up_to_an_hour(seconds in 0_u64..10_000) {
            let asked = Duration::from_secs(seconds);
            let wait = Wait::at_least(asked);
            prop_assert!(wait.time() >= asked.min(Duration::from_secs(3600)));
            let shorter = Wait::ALL.into_iter().filter(|other| *other < wait).map(Wait::time).max();
            prop_assert!(shorter.is_none_or(|shorter| shorter < asked));
        }

        #[test]
        fn jitter_only_shortens(attempt in 1_u32..200, chance in 0.0_f64..=1.0) {
            prop_assert!(policy().wait(attempt, chance) <= policy().wait(attempt, 1.0));
            prop_assert!(policy().wait(attempt, chance) <= policy().wait(attempt + 1, chance));
        }

        #[test]
        fn exhausted_by_attempts_or_by_age_as_the_clinic_wants(attempt in 1_u32..40, silent in 0_u32..40, age in 0_i64..200_000) {
            let first = Timestamp::UNIX_EPOCH;
            for (clinic, attempts, max_age) in [
                (None, 20, 24 * 3600),
                (Some("other"), 20, 24 * 3600),
                (Some("impatient"), 3, 24 * 3600),
                (Some("hurried"), 20, 3600),
            ] {
                let clinic = clinic.map(|name| ClinicId::parse(name).unwrap());
                let now = first + SignedDuration::from_secs(age);
                let gone = policy().exhausted(clinic.as_ref(), (attempt, silent), first, now);
                let spared = attempt.saturating_sub(silent);
                prop_assert_eq!(gone, attempt >= 20 || spared >= attempts || age >= max_age);
            }
        }
    }
}
