//! Chance that can be repeated.
//!
//! ChaCha with eight rounds: its stream is fixed by its description, where `StdRng` and `SmallRng` may be another generator in
//! the next release or on another machine. Numbers are drawn from the bare stream for the same reason: how `rand` maps it to a
//! range may change.

use rand::{Rng, SeedableRng, rngs::ChaCha8Rng};

/// What is decided by chance: each has a stream of its own, so that a new question changes no other answer.
#[derive(Debug, Clone, Copy)]
#[repr(u8)]
pub(super) enum About {
    /// What comes next.
    Plan = 1,
    /// One person.
    Person = 2,
    /// One submission.
    Submission = 3,
}

/// A stream of chance.
pub(super) struct Dice(ChaCha8Rng);

impl Dice {
    pub(super) fn of(seed: u64, about: About, number: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&number.to_le_bytes());
        key[16] = about as u8;
        Self(ChaCha8Rng::from_seed(key))
    }

    /// A number below this one.
    pub(super) fn below(&mut self, limit: u32) -> u32 {
        let wide = u64::from(self.0.next_u32()) * u64::from(limit);
        u32::try_from(wide >> 32).unwrap_or(0)
    }

    /// Whether something happens that happens so often in a thousand.
    pub(super) fn chance(&mut self, in_thousand: u32) -> bool {
        self.below(1000) < in_thousand
    }

    /// One of these; the first if there is only one.
    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        let place = self.below(u32::try_from(from.len()).unwrap_or(u32::MAX));
        &from[usize::try_from(place).unwrap_or(0)]
    }
}

#[cfg(test)]
mod tests {
    use super::{About, Dice};

    #[test]
    fn a_stream_can_be_repeated_and_is_its_own() {
        let draw = |seed, about, number| {
            let mut dice = Dice::of(seed, about, number);
            std::array::from_fn::<u32, 4, _>(|_| dice.below(1_000_000))
        };
        // Written out: another generator would be noticed.
        assert_eq!(draw(7, About::Person, 1), [923_099, 869_270, 922_862, 340_780]);
        assert_ne!(draw(7, About::Person, 1), draw(7, About::Person, 2));
        assert_ne!(draw(7, About::Person, 1), draw(7, About::Plan, 1));
        assert_ne!(draw(7, About::Person, 1), draw(8, About::Person, 1));
    }
}
