//! What was measured.

use std::{fmt::Write as _, time::Duration};

/// How much longer the slowest in a hundred may take during the flood.
const WITHIN: f64 = 1.5;

/// How long the submissions of a lane took, from their publication to their end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Took(Vec<Duration>);

impl Took {
    /// Of these.
    pub fn new(mut all: Vec<Duration>) -> Self {
        all.sort();
        Self(all)
    }

    /// How many.
    pub const fn count(&self) -> usize {
        self.0.len()
    }

    /// What so many percent took at most; nothing of nothing.
    pub fn percentile(&self, percent: usize) -> Duration {
        let rank = (self.0.len() * percent).div_ceil(100).max(1);
        self.0.get(rank - 1).copied().unwrap_or_default()
    }
}

/// One measurement.
#[derive(Debug, Clone)]
pub struct Report {
    /// The quiet lane before the flood.
    pub before: Took,
    /// The quiet lane during the flood.
    pub during: Took,
    /// Submissions of the flood, published while the quiet lane's were.
    pub flood: u64,
    /// How many of them waited or were in hand when the last of the quiet lane came to its end.
    pub left: u64,
    /// Over which time the quiet lane's were published during the flood.
    pub over: Duration,
}

impl Report {
    /// How many times longer the slowest in a hundred took.
    pub fn ratio(&self) -> f64 {
        self.during.percentile(99).as_secs_f64() / self.before.percentile(99).as_secs_f64().max(0.001)
    }

    /// Whether the quiet lane stayed as it was.
    pub fn kept(&self) -> bool {
        self.ratio() <= WITHIN
    }

    /// A table for documents and people.
    pub fn table(&self) -> String {
        let mut text = "| the quiet lane | before | during the flood |\n| --- | ---: | ---: |\n".to_owned();
        let (before, during) = (&self.before, &self.during);
        let _ = writeln!(text, "| submissions | {} | {} |", before.count(), during.count());
        for percent in [50, 99] {
            let ms = |took: &Took| took.percentile(percent).as_millis();
            let _ = writeln!(text, "| p{percent} | {} ms | {} ms |", ms(before), ms(during));
        }
        let rate = |count: u64| count as f64 / self.over.as_secs_f64().max(0.001);
        let quiet = u64::try_from(during.count()).unwrap_or(u64::MAX);
        let _ = writeln!(
            text,
            "\n{} of the flood in {:.0} s ({:.0} a second, beside {:.1}); {} of them waited at the end. The p99 is {:.2} times what it was.",
            self.flood,
            self.over.as_secs_f64(),
            rate(self.flood),
            rate(quiet),
            self.left,
            self.ratio(),
        );
        text
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Report, Took};

    fn took(ms: std::ops::RangeInclusive<u64>) -> Took {
        Took::new(ms.rev().map(Duration::from_millis).collect())
    }

    #[test]
    fn percentiles_are_those_of_the_nearest_rank() {
        let hundred = took(1..=100);
        assert_eq!([50, 99, 100].map(|percent| hundred.percentile(percent).as_millis()), [50, 99, 100]);
        assert_eq!(took(7..=7).percentile(99).as_millis(), 7);
        assert_eq!(Took::new(Vec::new()).percentile(99), Duration::ZERO);
    }

    #[test]
    fn a_lane_that_takes_twice_as_long_has_not_stayed_as_it_was() {
        let report = |last| Report {
            before: took(1..=100),
            during: took(last - 99..=last),
            flood: 5000,
            left: 100,
            over: Duration::from_secs(50),
        };
        assert!(report(148).kept() && !report(200).kept());
        assert!(
            report(148).table().contains("5000 of the flood in 50 s (100 a second, beside 2.0); 100 of them")
        );
    }
}
