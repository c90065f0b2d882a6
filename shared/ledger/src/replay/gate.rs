//! When the next letter of a run may go.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio_postgres::Row;

use super::Because;
use crate::failure::Failure;

/// When nothing was heard for so long of what a run has published, it is not waited for any longer: a person looks. Far longer than any
/// message takes on its way, longer than most outages.
const PATIENCE: SignedDuration = SignedDuration::from_hours(2);

/// The run as it stands, locked.
pub(super) struct Run {
    pub(super) number: i32,
    canary: i32,
    stop_on: i32,
    published: i32,
    judged: i32,
    failed: i32,
    /// The time between two letters.
    pace: Duration,
    /// When the last one went.
    last: Option<Timestamp>,
    /// When something of it happened last.
    heard: Option<Timestamp>,
}

/// What goes before the next letter.
pub(super) enum Gate {
    /// It is its turn.
    Open,
    /// It must be known first what became of others.
    Wait,
    /// Too many failed.
    Stop,
}

impl Run {
    pub(super) fn read(row: &Row) -> Result<Self, Failure> {
        let rate: i32 = row.try_get("rate")?;
        Ok(Self {
            number: row.try_get("run")?,
            canary: row.try_get("canary")?,
            stop_on: row.try_get("stop_on")?,
            published: row.try_get("published")?,
            judged: row.try_get("judged")?,
            failed: row.try_get("failed")?,
            pace: Duration::from_secs(1) / rate.max(1).unsigned_abs(),
            last: row.try_get("last_at")?,
            heard: row.try_get("heard_at")?,
        })
    }

    /// How long the next letter has to wait. Never longer than the pace, whatever the clock of another process says.
    pub(super) fn wait(&self, now: Timestamp) -> Duration {
        let next = self.last.and_then(|last| last.checked_add(self.pace).ok()).filter(|next| *next > now);
        next.map_or(Duration::ZERO, |next| next.duration_since(now).unsigned_abs().min(self.pace))
    }

    fn is_bad(&self) -> bool {
        self.failed > 0 && i64::from(self.failed) * 100 >= i64::from(self.stop_on) * i64::from(self.judged)
    }

    /// The canary is waited for as a whole; after it, the share of failures among all that is known decides at any time.
    pub(super) fn gate(&self) -> Gate {
        if self.judged < self.canary {
            return if self.published < self.canary { Gate::Open } else { Gate::Wait };
        }
        if self.is_bad() { Gate::Stop } else { Gate::Open }
    }

    /// Whether it has been waited long enough for what became of others.
    pub(super) fn is_silent(&self, now: Timestamp) -> bool {
        self.heard.is_some_and(|heard| now.duration_since(heard) > PATIENCE)
    }

    /// Nothing waits to be published: is the run at its end, and why is it stopped if it is?
    pub(super) fn end(&self, now: Timestamp) -> Option<Option<Because>> {
        if self.judged < self.published {
            return self.is_silent(now).then_some(Some(Because::Silence));
        }
        Some(self.is_bad().then_some(Because::Failures))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;

    use super::{Because, Gate, Run};

    fn run(canary: i32, published: i32, judged: i32, failed: i32) -> Run {
        let pace = Duration::from_millis(50);
        Run { number: 1, canary, stop_on: 10, published, judged, failed, pace, last: None, heard: None }
    }

    #[test]
    fn the_rate_is_kept_and_no_clock_that_is_ahead_stops_the_run() {
        let at = |ms: i64| Timestamp::from_millisecond(ms).unwrap();
        let wait = |last: i64| Run { last: Some(at(last)), ..run(0, 1, 0, 0) }.wait(at(1000)).as_millis();
        assert_eq!((wait(950), wait(980), wait(1000), wait(900)), (0, 30, 50, 0));
        assert_eq!(wait(3_600_000), 50);
        assert_eq!(run(0, 0, 0, 0).wait(at(0)), Duration::ZERO);
    }

    #[test]
    fn the_canary_goes_first_and_the_share_of_failures_is_watched_after_it() {
        let gate = |run: Run| match run.gate() {
            Gate::Open => "open",
            Gate::Wait => "wait",
            Gate::Stop => "stop",
        };
        for (state, expected) in [
            (run(5, 0, 0, 0), "open"),
            (run(5, 4, 4, 4), "open"),
            (run(5, 5, 4, 0), "wait"),
            (run(5, 5, 5, 0), "open"),
            (run(5, 5, 5, 1), "stop"),
            (run(0, 0, 0, 0), "open"),
            (run(0, 30, 11, 1), "open"),
            (run(0, 30, 10, 1), "stop"),
        ] {
            assert_eq!(gate(state), expected);
        }
    }

    #[test]
    fn a_run_ends_when_it_is_known_what_became_of_all() {
        let now = Timestamp::from_second(10_000).unwrap();
        let end = |run: Run| run.end(now);
        assert_eq!(end(run(5, 3, 2, 0)), None);
        assert_eq!(end(run(5, 3, 3, 0)), Some(None));
        assert_eq!(end(run(5, 3, 3, 1)), Some(Some(Because::Failures)));
        assert_eq!(end(run(5, 0, 0, 0)), Some(None), "all were passed by");
        let heard = |last: i64| Run { heard: Timestamp::from_second(last).ok(), ..run(5, 3, 2, 0) };
        assert_eq!(end(heard(2_800)), None, "two hours");
        assert_eq!(end(heard(2_799)), Some(Some(Because::Silence)));
        assert!(!run(5, 3, 2, 0).is_silent(now) && !heard(20_000).is_silent(now));
    }
}
