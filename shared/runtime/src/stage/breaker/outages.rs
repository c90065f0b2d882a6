//! When an endpoint was down. What failed in such a time is not held against the message that failed.

use std::collections::VecDeque;

use jiff::Timestamp;

/// So many outages of an endpoint are remembered: a message that waits longer than they lasted is charged for one attempt too many.
const REMEMBERED: usize = 16;

/// What is remembered of one endpoint.
#[derive(Default)]
pub(super) struct Outages {
    /// The first failure since the endpoint answered last, while it is not known to be down.
    failing_since: Option<Timestamp>,
    /// From the first failure to the moment at which it was trusted again, oldest first; the last may not be over.
    known: VecDeque<(Timestamp, Option<Timestamp>)>,
}

impl Outages {
    /// It failed.
    pub(super) fn failed(&mut self, now: Timestamp) {
        self.failing_since.get_or_insert(now);
    }

    /// It answered while it was trusted.
    pub(super) fn answered(&mut self) {
        self.failing_since = None;
    }

    /// It is known to be down: since the first of the failures that showed it.
    pub(super) fn begin(&mut self, now: Timestamp) {
        if self.since().is_some() {
            return;
        }
        if self.known.len() == REMEMBERED {
            self.known.pop_front();
        }
        self.known.push_back((self.failing_since.unwrap_or(now), None));
    }

    /// It is trusted again.
    pub(super) fn end(&mut self, now: Timestamp) {
        self.failing_since = None;
        if let Some((_, end @ None)) = self.known.back_mut() {
            *end = Some(now);
        }
    }

    /// Since when it is down.
    pub(super) fn since(&self) -> Option<Timestamp> {
        self.known.back().filter(|(_, end)| end.is_none()).map(|(begin, _)| *begin)
    }

    /// Whether it was down then.
    pub(super) fn cover(&self, at: Timestamp) -> bool {
        self.known.iter().any(|(begin, end)| *begin <= at && end.is_none_or(|end| at <= end))
    }

    /// Whether it has answered nobody since it failed at that time.
    pub(super) fn silent_since(&self, at: Timestamp) -> bool {
        self.failing_since.is_some_and(|since| since <= at)
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::{Outages, REMEMBERED};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds)
    }

    #[test]
    fn an_outage_lasts_from_its_first_failure_until_the_endpoint_is_trusted_again() {
        let mut outages = Outages::default();
        outages.failed(at(1));
        outages.answered();
        (3..6).for_each(|second| outages.failed(at(second)));
        assert!(outages.silent_since(at(4)) && !outages.silent_since(at(1)));
        assert!(!outages.cover(at(4)), "it is not known yet");
        outages.begin(at(6));
        outages.begin(at(20));
        assert_eq!(outages.since(), Some(at(3)));
        assert!(outages.cover(at(3)) && outages.cover(at(1000)) && !outages.cover(at(1)));
        outages.end(at(30));
        assert_eq!(outages.since(), None);
        assert!(outages.cover(at(30)) && !outages.cover(at(31)));
    }

    #[test]
    fn the_oldest_outages_are_forgotten() {
        let mut outages = Outages::default();
        for n in 0..=i64::try_from(REMEMBERED).unwrap() {
            outages.failed(at(10 * n));
            outages.begin(at(10 * n));
            outages.end(at(10 * n + 1));
        }
        assert!(!outages.cover(at(0)) && outages.cover(at(10)));
    }
}
