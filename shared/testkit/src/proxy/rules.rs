//! The faults that are asked for, and what they say about a chunk.

use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Direction, needle::Seen};

/// What strikes at the moment.
#[derive(Debug, Default)]
pub(super) struct Rules {
    /// Cancelled, and replaced, to cut the connections that are open.
    pub(super) open: CancellationToken,
    /// Cancelled, and replaced, when all faults end.
    healed: CancellationToken,
    pub(super) refuse: bool,
    /// Each direction's end, to the server first.
    holes: [Option<Instant>; 2],
    /// How long each chunk waits, and until when.
    pub(super) delay: Option<(Duration, Instant)>,
    needles: Vec<Needle>,
}

#[derive(Debug)]
struct Needle {
    direction: Direction,
    bytes: &'static [u8],
    left: u32,
}

/// What becomes of a chunk.
#[derive(Debug)]
pub(super) enum Verdict {
    /// It is passed on, after a while.
    Pass(Option<Duration>),
    /// It and all that follows is swallowed until then, or until the faults end; after that the connection is cut.
    Swallow(Instant, CancellationToken),
    /// It is passed on, and the answer is lost.
    LoseAnswer,
    /// It is lost, and the connection is cut.
    Lose,
}

impl Rules {
    pub(super) fn cut(&mut self) {
        std::mem::take(&mut self.open).cancel();
    }

    pub(super) fn blackhole(&mut self, direction: Direction, until: Instant) {
        self.holes[direction as usize] = Some(until);
    }

    pub(super) fn lose(&mut self, direction: Direction, bytes: &'static [u8], left: u32) {
        self.needles.push(Needle { direction, bytes, left });
        self.needles.retain(|needle| needle.left > 0);
    }

    pub(super) fn heal(&mut self) {
        self.healed.cancel();
        // Connections stay as they are.
        *self = Self { open: self.open.clone(), ..Self::default() };
    }

    /// What becomes of the next chunk in that direction.
    pub(super) fn judge(&mut self, direction: Direction, chunk: &[u8], seen: &mut Seen) -> Verdict {
        let now = Instant::now();
        if let Some(until) = self.holes[direction as usize].filter(|until| *until > now) {
            return Verdict::Swallow(until, self.healed.clone());
        }
        if self.found(direction, chunk, seen) {
            return match direction {
                Direction::ToServer => Verdict::LoseAnswer,
                Direction::ToClient => Verdict::Lose,
            };
        }
        Verdict::Pass(self.delay.filter(|(_, until)| *until > now).map(|(each, _)| each))
    }

    /// Whether an armed needle ends in this chunk; it is one less then.
    fn found(&mut self, direction: Direction, chunk: &[u8], seen: &mut Seen) -> bool {
        if !self.needles.iter().any(|needle| needle.direction == direction) {
            seen.forget();
            return false;
        }
        seen.next(chunk);
        let mut armed = self.needles.iter_mut();
        let Some(needle) = armed.find(|needle| needle.direction == direction && seen.ends(needle.bytes))
        else {
            return false;
        };
        needle.left -= 1;
        self.needles.retain(|needle| needle.left > 0);
        true
    }
}
