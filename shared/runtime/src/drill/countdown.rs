//! Counting passages of an armed point.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use domain::drill::{Drill, Point, Protection};

/// Which point is armed, and how many passages are left: one number, so that nothing is ever seen half. Zero: none.
#[derive(Default)]
pub(super) struct Countdown(AtomicU64);

impl Countdown {
    /// Arms a point for its `nth` passage from now on. What was armed before is not any more.
    pub(super) fn arm(&self, point: Point, nth: u32) {
        let armed = if nth == 0 { 0 } else { place(point) | u64::from(nth) };
        self.0.store(armed, Ordering::Relaxed);
    }

    /// Notes a passage. True once, for the one that was asked for. Unarmed it costs one relaxed load.
    pub(super) fn passes(&self, point: Point) -> bool {
        let mut seen = self.0.load(Ordering::Relaxed);
        while seen & PLACE == place(point) {
            let left = (seen & LEFT) - 1;
            let next = if left == 0 { 0 } else { place(point) | left };
            match self.0.compare_exchange_weak(seen, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return left == 0,
                Err(now) => seen = now,
            }
        }
        false
    }
}

const LEFT: u64 = u32::MAX as u64;
const PLACE: u64 = !LEFT;

/// Never zero, so that no point is mistaken for none.
const fn place(point: Point) -> u64 {
    (point as u64 + 1) << 32
}

/// The drill that the runtime installs.
pub(super) struct FireDrill {
    pub(super) countdown: Arc<Countdown>,
    /// The protections that are taken away.
    pub(super) off: Vec<Protection>,
    /// What happens at the armed passage. In a service it does not return.
    pub(super) strike: Box<dyn Fn(Point) + Send + Sync>,
}

impl Drill for FireDrill {
    fn at(&self, point: Point) {
        if self.countdown.passes(point) {
            (self.strike)(point);
        }
    }

    fn lacks(&self, protection: Protection) -> bool {
        self.off.contains(&protection)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use domain::drill::{Drill, Point, Protection};

    use super::{Countdown, FireDrill};

    fn drill(countdown: &Arc<Countdown>) -> (FireDrill, Arc<Mutex<Vec<Point>>>) {
        let struck = Arc::new(Mutex::new(Vec::new()));
        let note = struck.clone();
        let strike = Box::new(move |point| note.lock().unwrap().push(point));
        (FireDrill { countdown: countdown.clone(), off: vec![Protection::Confirms], strike }, struck)
    }

    #[test]
    fn strikes_at_the_asked_passage_of_the_asked_point_and_only_then() {
        let countdown = Arc::new(Countdown::default());
        let (drill, struck) = drill(&countdown);
        Point::ALL.iter().for_each(|point| drill.at(*point));
        assert!(struck.lock().unwrap().is_empty(), "nothing is armed");
        for asked in Point::ALL {
            countdown.arm(*asked, 3);
            for passage in 1..=5 {
                Point::ALL.iter().for_each(|point| drill.at(*point));
                let expected: &[Point] = if passage < 3 { &[] } else { &[*asked] };
                assert_eq!(*struck.lock().unwrap(), expected, "{asked} at {passage}");
            }
            struck.lock().unwrap().clear();
        }
    }

    #[test]
    fn arming_again_starts_over_and_zero_disarms() {
        let countdown = Countdown::default();
        countdown.arm(Point::BeforeAck, 1);
        countdown.arm(Point::AfterAck, 2);
        assert!(!countdown.passes(Point::BeforeAck));
        assert!(!countdown.passes(Point::AfterAck));
        assert!(countdown.passes(Point::AfterAck));
        countdown.arm(Point::AfterAck, 1);
        countdown.arm(Point::AfterAck, 0);
        assert!(!countdown.passes(Point::AfterAck));
    }

    #[test]
    fn of_many_that_pass_at_once_one_is_struck() {
        let countdown = Countdown::default();
        countdown.arm(Point::BeforePublish, 300);
        let struck: usize = std::thread::scope(|scope| {
            let passing = || (0..200).filter(|_| countdown.passes(Point::BeforePublish)).count();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(passing)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(struck, 1);
    }

    #[test]
    fn lacks_what_was_taken_away() {
        let (drill, _) = drill(&Arc::default());
        assert!(drill.lacks(Protection::Confirms) && !drill.lacks(Protection::Fencing));
    }
}
