//! Delays between tries in place: exponential, with jitter. `backoff` does the arithmetic, nothing else.

use std::time::Duration;

use backoff::{ExponentialBackoff, backoff::Backoff};

/// Grows from `first` to `most`, each delay half to one and a half times its nominal length.
pub(crate) struct Pace {
    delays: ExponentialBackoff,
    most: Duration,
}

impl Pace {
    pub(crate) fn new(first: Duration, most: Duration) -> Self {
        let mut delays = ExponentialBackoff {
            initial_interval: first,
            max_interval: most,
            multiplier: 2.0,
            randomization_factor: 0.5,
            max_elapsed_time: None,
            ..ExponentialBackoff::default()
        };
        delays.reset();
        Self { delays, most }
    }

    /// The next delay.
    pub(crate) fn step(&mut self) -> Duration {
        self.delays.next_backoff().unwrap_or(self.most)
    }

    /// Starts over.
    pub(crate) fn reset(&mut self) {
        self.delays.reset();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Pace;

    #[test]
    fn grows_to_its_bound_and_starts_over() {
        let (first, most) = (Duration::from_millis(50), Duration::from_secs(5));
        let mut pace = Pace::new(first, most);
        let delays: Vec<Duration> = (0..20).map(|_| pace.step()).collect();
        assert!(delays[0] <= first * 2 && delays.iter().all(|delay| *delay <= most * 2));
        assert!(delays[19] >= most / 2);
        pace.reset();
        assert!(pace.step() <= first * 2);
    }
}
