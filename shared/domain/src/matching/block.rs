//! Blocking: finding candidate pairs without comparing all with all.
//!
//! Several passes, each by a key that most pairs of one person share; a candidate is what any pass finds. A block
//! that is too large (a frequent value) is not dropped: it is sorted by its fields and each record meets its
//! neighbours, so that the work stays linear in the number of records.

use std::{
    collections::BTreeSet,
    hash::{DefaultHasher, Hash, Hasher},
};

use super::{
    link::{Pair, Scope},
    spec::{KeyPart, Limits, Pass, Take},
    table::Table,
    text::soundex,
};

/// Finds candidates in one table.
pub(super) struct Blocker<'a> {
    pub(super) table: &'a Table,
    pub(super) scope: Scope,
    pub(super) limits: Limits,
    /// Columns that a too large block is sorted by.
    pub(super) sort_by: &'a [usize],
}

impl Blocker<'_> {
    /// All candidates of all passes, each once, in order.
    pub(super) fn candidates(&self, passes: &[Pass]) -> Vec<Pair> {
        let mut pairs = Vec::new();
        for pass in passes {
            if let Some(columns) = self.bind(pass) {
                self.pass(&columns, pass.any_order, &mut pairs);
                // After each pass, so that what several passes find is not kept several times.
                pairs.sort_unstable();
                pairs.dedup();
            }
        }
        pairs
    }

    fn bind(&self, pass: &Pass) -> Option<Vec<(usize, Take)>> {
        let bind = |part: &KeyPart| Some((self.table.column(&part.column)?, part.take));
        pass.key.iter().map(bind).collect()
    }

    fn pass(&self, columns: &[(usize, Take)], any_order: bool, pairs: &mut Vec<Pair>) {
        let key = |row: u32| Some((self.key(row, columns, any_order)?, row));
        let mut keyed: Vec<(u64, u32)> = rows(self.table.len()).filter_map(key).collect();
        keyed.sort_unstable();
        for block in keyed.chunk_by(|a, b| a.0 == b.0) {
            let mut block: Vec<u32> = block.iter().map(|(_, row)| *row).collect();
            let reach = if block.len() > self.limits.block {
                block.sort_by_cached_key(|row| self.sort_key(*row));
                self.limits.neighbours
            } else {
                block.len()
            };
            for (place, a) in block.iter().enumerate() {
                let others = block.iter().skip(place + 1).take(reach);
                pairs.extend(others.filter_map(|b| self.scope.pair(*a, *b)));
            }
        }
    }

    /// The key's hash: a collision costs a comparison and nothing else.
    fn key(&self, row: u32, columns: &[(usize, Take)], any_order: bool) -> Option<u64> {
        let mut parts = Vec::with_capacity(columns.len());
        for (column, take) in columns {
            let value = self.table.cell(row as usize, *column);
            if value.is_empty() {
                return None;
            }
            parts.push(match take {
                Take::Whole => value.to_owned(),
                // Spaces are a frequent error: a sound has none.
                Take::Soundex => soundex(&value.replace(' ', "")),
                Take::Prefix(letters) => value.chars().take(*letters).collect(),
            });
        }
        if any_order {
            parts.sort_unstable();
        }
        let mut hasher = DefaultHasher::new();
        parts.hash(&mut hasher);
        Some(hasher.finish())
    }

    fn sort_key(&self, row: u32) -> Vec<String> {
        self.sort_by.iter().map(|column| self.table.cell(row as usize, *column).to_owned()).collect()
    }
}

/// The row numbers; a table never has more than `u32` numbers its values with, so rows beyond are not reached.
fn rows(len: usize) -> impl Iterator<Item = u32> {
    0..u32::try_from(len).unwrap_or(u32::MAX)
}

/// Pairs that are spread evenly over all pairs, about `wanted` of them, or all if there are fewer: row `i` with row
/// `i + offset` for evenly spread offsets. No random numbers: the same table gives the same weights on every run.
pub(super) fn spread(scope: Scope, len: usize, wanted: usize) -> Vec<Pair> {
    let (left, right) = match scope {
        Scope::Within => (len, len),
        Scope::Between(first) => (first.min(len), len.saturating_sub(first)),
    };
    if left == 0 || right == 0 {
        return Vec::new();
    }
    // Within one table, offsets up to the half reach every pair.
    let reach = match scope {
        Scope::Within => len / 2,
        Scope::Between(_) => right,
    };
    let offsets = (wanted / left).clamp(1, reach.max(1));
    let chosen: BTreeSet<usize> = (1..=offsets).map(|n| n * reach.max(1) / offsets).collect();
    let mut pairs = Vec::with_capacity(left * chosen.len());
    for offset in chosen {
        for a in rows(left) {
            let other = (a as usize + offset) % right;
            let b = match scope {
                Scope::Within => other,
                Scope::Between(first) => first + other,
            };
            // With an even number of rows the greatest offset meets each pair twice.
            let again = matches!(scope, Scope::Within) && 2 * offset == len && b < a as usize;
            if let (Ok(b), false) = (u32::try_from(b), again) {
                pairs.extend(scope.pair(a, b));
            }
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Blocker, spread};
    use crate::matching::{
        link::Scope,
        spec::{KeyPart, Limits, Pass},
        table::Table,
    };

    fn pass(key: &[&str], any_order: bool) -> Pass {
        let part = |text: &&str| KeyPart::try_from((*text).to_owned()).unwrap();
        Pass { key: key.iter().map(part).collect(), any_order }
    }

    fn candidates(csv: &str, limits: Limits, passes: &[Pass]) -> Vec<(u32, u32)> {
        let table = Table::from_csv(csv).unwrap();
        Blocker { table: &table, scope: Scope::Within, limits, sort_by: &[0] }.candidates(passes)
    }

    #[test]
    fn passes_are_united_and_empty_keys_find_nothing() {
        let csv = "given,family,zip\nann,lee,1\nlee,ann,2\nbob,leigh,1\n,lee,\n,,\n,,\n";
        let found =
            candidates(csv, Limits::default(), &[pass(&["given", "family"], true), pass(&["zip"], false)]);
        assert_eq!(found, [(0, 1), (0, 2)]);
        let sounding = candidates(csv, Limits::default(), &[pass(&["family:soundex"], false)]);
        assert_eq!(sounding, [(0, 3)]);
        assert!(candidates(csv, Limits::default(), &[pass(&["unknown"], false)]).is_empty());
    }

    #[test]
    fn a_huge_block_stays_linear() {
        let rows: String = (0..1000).map(|n| format!("name{n:04},x\n")).collect();
        let limits = Limits { block: 50, neighbours: 3, random_pairs: 0 };
        let found = candidates(&format!("name,same\n{rows}"), limits, &[pass(&["same"], false)]);
        assert_eq!(found.len(), 3 * 1000 - 6);
        assert!(found.contains(&(0, 1)));
    }

    #[test]
    fn spread_pairs_are_distinct_and_in_scope() {
        for (scope, len, wanted, expected) in [
            (Scope::Within, 100, usize::MAX, 4950),
            (Scope::Within, 101, usize::MAX, 5050),
            (Scope::Within, 100, 500, 500),
            (Scope::Between(30), 100, usize::MAX, 2100),
            (Scope::Between(30), 30, 10, 0),
            (Scope::Within, 1, 10, 0),
        ] {
            let pairs = spread(scope, len, wanted);
            let distinct: BTreeSet<_> = pairs.iter().collect();
            assert_eq!(distinct.len(), pairs.len());
            // The greatest offset of an even table yields half as many.
            assert!(pairs.len() == expected || pairs.len() + len / 2 == expected, "{}", pairs.len());
            assert!(pairs.iter().all(|(a, b)| a < b));
        }
    }
}
