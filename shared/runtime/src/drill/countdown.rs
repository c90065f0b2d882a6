//! Counting passages of an armed point.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use domain::drill::{Drill, Point, Protection};

/// What a process does to itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strike {
    /// It dies, as by `kill -9`.
    Die,
    /// It stops, until somebody sends it SIGCONT.
    Stop,
    /// It panics where it is.
    Panic,
}

/// Which point is armed, for what, and how many passages are left: one number, so that nothing is ever seen half. Zero: none.
#[derive(Default)]
pub(super) struct Countdown(AtomicU64);

impl Countdown {
    /// Arms a point for its `nth` passage from now on. What was armed before is not any more.
    pub(super) fn arm(&self, point: Point, nth: u32, strike: Strike) {
        let how = match strike {
            Strike::Die => 0,
            Strike::Stop => STOP,
            Strike::Panic => PANIC,
        };
        let armed = if nth == 0 { 0 } else { how | place(point) | u64::from(nth) };
        self.0.store(armed, Ordering::Relaxed);
    }

    /// Notes a passage. Says once, at the one that was asked for, what for. Unarmed it costs one relaxed load.
    pub(super) fn passes(&self, point: Point) -> Option<Strike> {
        let mut seen = self.0.load(Ordering::Relaxed);
        while seen & PLACE == place(point) {
            let next = if seen & LEFT == 1 { 0 } else { seen - 1 };
            match self.0.compare_exchange_weak(seen, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) if next > 0 => return None,
                Ok(_) if seen & STOP != 0 => return Some(Strike::Stop),
                Ok(_) if seen & PANIC != 0 => return Some(Strike::Panic),
                Ok(_) => return Some(Strike::Die),
                Err(now) => seen = now,
            }
        }
        None
    }
}

const LEFT: u64 = u32::MAX as u64;
const STOP: u64 = 1 << 63;
const PANIC: u64 = 1 << 62;
const PLACE: u64 = !(LEFT | STOP | PANIC);

/// Never zero, so that no point is mistaken for none.
const fn place(point: Point) -> u64 {
    (point as u64 + 1) << 32
}

/// The drill that the runtime installs.
pub(super) struct FireDrill {
    pub(super) countdown: Arc<Countdown>,
    /// The protections that are taken away.
    pub(super) off: Vec<Protection>,
    /// What happens at the armed passage.
    pub(super) strike: Box<dyn Fn(Point, Strike) + Send + Sync>,
}

impl Drill for FireDrill {
    fn at(&self, point: Point) {
        if let Some(strike) = self.countdown.passes(point) {
            (self.strike)(point, strike);
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

    use super::{Countdown, FireDrill, Strike};

    type Struck = Arc<Mutex<Vec<(Point, Strike)>>>;

    fn drill(countdown: &Arc<Countdown>) -> (FireDrill, Struck) {
        let struck = Struck::default();
        let note = struck.clone();
        let strike = Box::new(move |point, how| note.lock().unwrap().push((point, how)));
        (FireDrill { countdown: countdown.clone(), off: vec![Protection::Confirms], strike }, struck)
    }

    #[test]
    fn strikes_at_the_asked_passage_of_the_asked_point_and_only_then() {
        let countdown = Arc::new(Countdown::default());
        let (drill, struck) = drill(&countdown);
        Point::ALL.iter().for_each(|point| drill.at(*point));
        assert!(struck.lock().unwrap().is_empty(), "nothing is armed");
        let strikes = |point| [(point, Strike::Die), (point, Strike::Stop), (point, Strike::Panic)];
        for (asked, how) in Point::ALL.iter().copied().flat_map(strikes) {
            countdown.arm(asked, 3, how);
            for passage in 1..=5 {
                Point::ALL.iter().for_each(|point| drill.at(*point));
                let expected: &[_] = if passage < 3 { &[] } else { &[(asked, how)] };
                assert_eq!(*struck.lock().unwrap(), expected, "{asked} at {passage}");
            }
            struck.lock().unwrap().clear();
        }
    }

    #[test]
    fn arming_again_starts_over_and_zero_disarms() {
        let countdown = Countdown::default();
        countdown.arm(Point::BeforeAck, 1, Strike::Stop);
        countdown.arm(Point::AfterAck, 2, Strike::Die);
        assert_eq!(countdown.passes(Point::BeforeAck), None);
        assert_eq!(countdown.passes(Point::AfterAck), None);
        assert_eq!(countdown.passes(Point::AfterAck), Some(Strike::Die));
        countdown.arm(Point::AfterAck, 1, Strike::Stop);
        countdown.arm(Point::AfterAck, 0, Strike::Stop);
        assert_eq!(countdown.passes(Point::AfterAck), None);
    }

    #[test]
    fn of_many_that_pass_at_once_one_is_struck() {
        let countdown = Countdown::default();
        countdown.arm(Point::BeforePublish, 300, Strike::Die);
        let struck: usize = std::thread::scope(|scope| {
            let passing = || (0..200).filter_map(|_| countdown.passes(Point::BeforePublish)).count();
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
