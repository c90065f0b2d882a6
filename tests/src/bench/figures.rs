//! Rates and quantiles.

use std::time::Duration;

/// How long single intakes took, in order.
#[derive(Debug, Clone, Default)]
pub struct Latencies(Vec<Duration>);

impl Latencies {
    /// Of any number, in any order.
    pub fn of(mut all: Vec<Duration>) -> Self {
        all.sort_unstable();
        Self(all)
    }

    /// The least time within which this share of them was done, in thousandths: 500 is the median. None, if there are none.
    pub fn within(&self, thousandths: usize) -> Option<Duration> {
        let place = (self.0.len() * thousandths).div_ceil(1000).checked_sub(1)?;
        self.0.get(place.min(self.0.len().saturating_sub(1))).copied()
    }

    /// Those of several measurements together.
    pub fn and(self, other: Self) -> Self {
        Self::of([self.0, other.0].concat())
    }
}

/// The middle one of several numbers; the mean of the middle two of an even count. None, if there are none.
pub fn median(mut all: Vec<f64>) -> Option<f64> {
    all.sort_unstable_by(f64::total_cmp);
    let (low, high) = (all.get(all.len().checked_sub(1)? / 2)?, all.get(all.len() / 2)?);
    Some(f64::midpoint(*low, *high))
}

/// So many in this time, each second.
pub fn rate(count: u32, time: Duration) -> f64 {
    f64::from(count) / time.as_secs_f64().max(f64::EPSILON)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Latencies, median, rate};

    #[test]
    fn a_quantile_is_one_of_the_values() {
        let all = Latencies::of((1..=1000).rev().map(Duration::from_millis).collect());
        for (thousandths, ms) in [(500, 500), (990, 990), (999, 999), (1000, 1000)] {
            assert_eq!(all.within(thousandths), Some(Duration::from_millis(ms)));
        }
        let few = Latencies::of(vec![Duration::from_secs(2), Duration::from_secs(1)]);
        assert_eq!(few.within(500), Some(Duration::from_secs(1)));
        assert_eq!(few.within(999), Some(Duration::from_secs(2)));
        assert_eq!(Latencies::default().within(500), None);
    }

    #[test]
    fn medians_and_rates() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0]), Some(2.5));
        assert_eq!(median(Vec::new()), None);
        assert!((rate(500, Duration::from_millis(250)) - 2000.0).abs() < 1e-9);
    }
}
