//! Time that has no numbers.

use jiff::{SignedDuration, Timestamp};

use crate::{
    setup::{Setup, Ticks},
    worker::Worker,
    world::World,
};

/// The present, always.
pub(crate) const NOW: Timestamp = Timestamp::UNIX_EPOCH;
const TICK: SignedDuration = SignedDuration::from_secs(1);

impl World {
    /// Whether a tick would end the lease of a worker who is not done with it.
    pub(crate) fn someone_oversleeps(&self) -> bool {
        self.workers.iter().filter_map(Worker::until).any(|until| until == NOW + TICK)
    }

    /// Whether a request that somebody waits for has to land first.
    pub(crate) fn must_land(&self) -> bool {
        self.workers.iter().filter_map(Worker::flight).any(|flight| flight.left == 0)
    }

    /// Everything moves one tick into the past.
    pub(crate) fn tick(&mut self, setup: &Setup) {
        for flight in self.workers.iter_mut().filter_map(Worker::flight_mut) {
            flight.left -= 1;
        }
        self.flights.retain(|flight| flight.left > 0);
        for flight in &mut self.flights {
            flight.left -= 1;
        }
        for write in self.ehr.iter_mut().flat_map(|thing| &mut thing.writes) {
            write.hidden = write.hidden.saturating_sub(1);
        }
        let mut points = vec![NOW];
        self.moments(&mut |moment| {
            *moment -= TICK;
            points.push(*moment);
        });
        let drawn = draw_together(points, setup.ticks);
        if !drawn.is_empty() {
            self.moments(&mut |moment| {
                if let Some((_, to)) = drawn.iter().find(|(from, _)| from == moment) {
                    *moment = *to;
                }
            });
        }
    }

    /// Every moment that is recorded anywhere.
    fn moments(&mut self, visit: &mut dyn FnMut(&mut Timestamp)) {
        self.store.moments(visit);
        for worker in &mut self.workers {
            worker.moments(visit);
        }
    }
}

/// Where moments go so that no two neighbours lie further apart than any rule can tell. Empty: nowhere.
fn draw_together(mut points: Vec<Timestamp>, ticks: Ticks) -> Vec<(Timestamp, Timestamp)> {
    let widest = SignedDuration::from_secs(i64::from(ticks.lease.max(ticks.lateness).max(ticks.lag)) + 1);
    points.sort_unstable();
    points.dedup();
    let before = points.partition_point(|point| *point < NOW);
    let (mut last, mut to, mut moved) = (NOW, NOW, Vec::new());
    for point in points[..before].iter().rev() {
        to -= last.duration_since(*point).min(widest);
        last = *point;
        if to != *point {
            moved.push((*point, to));
        }
    }
    moved
}
