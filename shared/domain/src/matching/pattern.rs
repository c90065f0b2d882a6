//! The outcome of comparing two records, packed small: at scale there are many pairs but few distinct outcomes.

use std::collections::HashMap;

/// Most fields that a comparison can have.
pub const MAX_FIELDS: usize = 16;
/// Most levels of a field.
pub const MAX_LEVELS: usize = 15;

/// The level of each field, four bits a field; fifteen is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pattern(u64);

impl Pattern {
    /// Nothing was compared.
    pub const MISSING: Self = Self(u64::MAX);

    /// Records the level of a field, which must be below [`MAX_FIELDS`], as the level below [`MAX_LEVELS`]
    /// (both are checked where a specification or a model is read).
    #[must_use]
    pub const fn with(self, field: usize, level: usize) -> Self {
        let shift = 4 * (field % MAX_FIELDS);
        Self(self.0 & !(0xF << shift) | (((level & 0xF) as u64) << shift))
    }

    /// The level of a field; `None` if a value was missing.
    pub const fn level(self, field: usize) -> Option<usize> {
        match (self.0 >> (4 * (field % MAX_FIELDS))) & 0xF {
            15 => None,
            #[allow(clippy::cast_possible_truncation, reason = "below 15")]
            level => Some(level as usize),
        }
    }
}

/// How often each pattern was seen.
pub type Counts = HashMap<Pattern, u64>;

/// Counts patterns.
pub fn count(patterns: impl IntoIterator<Item = Pattern>) -> Counts {
    let mut counts = Counts::new();
    for pattern in patterns {
        *counts.entry(pattern).or_default() += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn keeps_levels_apart() {
        let pattern = Pattern::MISSING.with(0, 3).with(15, 14).with(0, 2);
        assert_eq!((pattern.level(0), pattern.level(1), pattern.level(15)), (Some(2), None, Some(14)));
    }
}
