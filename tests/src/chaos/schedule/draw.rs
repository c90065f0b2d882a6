//! Drawing.

use std::time::Duration;

use domain::drill::Point;
use rand::{
    RngExt as _, SeedableRng as _,
    rngs::ChaCha8Rng,
    seq::{IndexedRandom as _, SliceRandom as _},
};
use testkit::proxy::Direction;

use super::{Action, Mix, Peer, SENDER, points, service};
use crate::chaos::settings::FREEZE_S;

/// An endless run of pauses and actions. ChaCha, so that a seed means the same on every machine and in every version of the library.
pub struct Schedule {
    rng: ChaCha8Rng,
    mix: Mix,
    /// What comes before the weights decide.
    first: Vec<Action>,
}

impl Schedule {
    /// The schedule of a seed.
    pub fn new(seed: u64, mix: Mix) -> Self {
        let mut schedule = Self { rng: ChaCha8Rng::seed_from_u64(seed), mix, first: Vec::new() };
        if schedule.mix.each {
            schedule.first = schedule.one_of_each();
        }
        schedule
    }

    /// Everything that can strike, once: each point at which a process can be asked to die, and each kind of everything else.
    fn one_of_each(&mut self) -> Vec<Action> {
        let victims = self.mix.victims.clone();
        let mut all: Vec<Action> = victims.iter().map(|victim| Action::Kill(victim)).collect();
        for point in Point::ALL {
            let passing: Vec<_> = victims.iter().filter(|one| points(one).contains(point)).collect();
            // Soon, before something else kills the process.
            all.extend(passing.choose(&mut self.rng).map(|one| Action::CrashAt(one, *point, 1)));
        }
        let network = [0, 1, 2].map(|kind| self.network(kind));
        all.extend(network);
        let writer = self.writer();
        let time = self.freeze_time();
        all.extend([
            Action::Freeze(writer, time),
            Action::FreezeAt(writer, Point::EhrAfterWrite, 1, time),
            Action::KillBroker,
            Action::KillDatabase,
            Action::LoseConfirm(writer),
            Action::LoseConfirm(SENDER),
            Action::LoseCommit(writer),
        ]);
        all.shuffle(&mut self.rng);
        all
    }

    fn victim(&mut self) -> &'static str {
        self.mix.victims.choose(&mut self.rng).copied().unwrap_or("ehr-writer")
    }

    /// A victim for what strikes connections. The senders are no process of the line, but their connections break like everyone's.
    fn connected(&mut self) -> &'static str {
        if self.mix.senders && self.rng.random_ratio(1, 8) { SENDER } else { self.victim() }
    }

    fn millis(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(self.rng.random_range(from..=to))
    }

    fn crash(&mut self) -> Action {
        let victim = self.victim();
        match self.point(victim) {
            Some((point, nth)) => Action::CrashAt(victim, point, nth),
            None => Action::Kill(victim),
        }
    }

    /// A point that the victim passes, and how often before it is struck there.
    fn point(&mut self, victim: &str) -> Option<(Point, u32)> {
        let passed =
            points(victim).into_iter().filter(|one| self.mix.at.is_empty() || self.mix.at.contains(one));
        let point = passed.collect::<Vec<_>>().choose(&mut self.rng).copied()?;
        Some((point, self.rng.random_range(1..=20)))
    }

    /// Only who holds leases has one to outlive; others are stopped as long, which costs them their connections.
    fn freeze(&mut self) -> Action {
        let victim = if self.rng.random_bool(0.6) { self.writer() } else { self.victim() };
        let time = self.freeze_time();
        let named = !self.mix.at.is_empty() || self.rng.random_bool(0.5);
        match self.point(victim).filter(|_| named) {
            Some((point, nth)) => Action::FreezeAt(victim, point, nth, time),
            None => Action::Freeze(victim, time),
        }
    }

    fn freeze_time(&mut self) -> Duration {
        Duration::from_secs(self.rng.random_range(FREEZE_S))
    }

    fn writer(&mut self) -> &'static str {
        let writers: Vec<_> =
            self.mix.victims.iter().copied().filter(|one| service(one) == "ehr-writer").collect();
        writers.choose(&mut self.rng).copied().unwrap_or("ehr-writer")
    }

    fn network(&mut self, kind: u8) -> Action {
        let victim = self.connected();
        let peer = Peer::of(victim).choose(&mut self.rng).copied().unwrap_or(Peer::Broker);
        match kind {
            0 => Action::Cut(victim, peer),
            1 => {
                let way = if self.rng.random_bool(0.5) { Direction::ToServer } else { Direction::ToClient };
                Action::Blackhole(victim, peer, way, self.millis(200, 3000))
            }
            _ => Action::Delay(victim, peer, self.millis(10, 400), self.millis(1000, 5000)),
        }
    }

    fn reply(&mut self) -> Action {
        let victim = self.connected();
        if Peer::of(victim).contains(&Peer::Database) && self.rng.random_bool(0.5) {
            Action::LoseCommit(victim)
        } else {
            Action::LoseConfirm(victim)
        }
    }

    fn weighted(&mut self) -> Option<Action> {
        let Mix { kill, crash, freeze, broker, database, network, replies, .. } = self.mix;
        let weights = [kill, crash, freeze, broker, database, network, replies];
        let mut at = self.rng.random_range(0..weights.iter().sum::<u32>().max(1));
        let chosen = weights.iter().position(|weight| {
            let here = at < *weight;
            at = at.saturating_sub(*weight);
            here
        });
        Some(match chosen? {
            0 => Action::Kill(self.victim()),
            1 => self.crash(),
            2 => self.freeze(),
            3 => Action::KillBroker,
            4 => Action::KillDatabase,
            5 => {
                let kind = self.rng.random_range(0..3);
                self.network(kind)
            }
            _ => self.reply(),
        })
    }
}

impl Iterator for Schedule {
    type Item = (Duration, Action);

    fn next(&mut self) -> Option<Self::Item> {
        let pause = self.mix.pause.mul_f64(self.rng.random_range(0.4..1.6));
        let action = match self.first.pop() {
            Some(action) => action,
            None => self.weighted()?,
        };
        Some((pause, action))
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, time::Duration};

    use domain::drill::Point;

    use super::{Action, Mix, Schedule};

    fn full(seed: u64) -> impl Iterator<Item = Action> {
        Schedule::new(seed, Mix::full(Duration::from_secs(1))).map(|(_, action)| action)
    }

    #[test]
    fn a_seed_is_a_schedule() {
        let of = |seed| full(seed).take(100).collect::<Vec<_>>();
        assert_eq!(of(7), of(7));
        assert_ne!(of(7), of(8));
    }

    #[test]
    fn everything_strikes_before_the_weights_decide() {
        let first: Vec<_> = full(1).take(Schedule::new(1, Mix::full(Duration::ZERO)).first.len()).collect();
        let names: BTreeSet<_> = first.iter().map(Action::name).collect();
        assert_eq!(names, Action::NAMES.into_iter().collect());
        let asked = first.iter().filter_map(|action| match action {
            Action::CrashAt(_, point, _) => Some(*point),
            _ => None,
        });
        assert_eq!(asked.collect::<BTreeSet<_>>(), Point::ALL.iter().copied().collect());
    }
}
