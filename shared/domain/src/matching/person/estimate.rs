//! Estimating the persons' weights from records, to hold the written ones against.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    levels::{FIELDS, Likeness},
    names::Nicknames,
    record::PersonRecord,
};
use crate::matching::{
    block::spread,
    em::{self, EmError, Estimate, Sample},
    link::{Pair, Scope},
    pattern::{Pattern, count},
    spec::Probabilities,
};

/// Pairs that the u-probabilities are estimated from, at most.
const RANDOM_PAIRS: usize = 500_000;
/// Posterior probabilities from which a pair is the same, and doubtful.
const THRESHOLDS: Probabilities = Probabilities { same: 0.99, doubtful: 0.05 };

/// Estimates weights by EM from the records of a clinic, without labels, as for [`Linker`](crate::matching::Linker): pairs that
/// share a blocking key are the candidates. The estimate is a model that [`Matcher::new`](super::Matcher::new) takes.
///
/// # Errors
/// [`EmError`] if there is nothing to estimate from.
pub fn estimate(records: &[PersonRecord]) -> Result<Estimate, EmError> {
    let nicknames = Nicknames::bundled();
    let pattern = |(a, b): Pair| -> Pattern {
        Likeness::of(&records[a as usize], &records[b as usize], &nicknames).pattern()
    };
    let fields: Vec<_> = FIELDS.iter().map(|(name, levels)| (*name, levels.to_vec())).collect();
    let sample = Sample {
        candidates: &count(candidates(records).into_iter().map(pattern)),
        random: &count(spread(Scope::Within, records.len(), RANDOM_PAIRS).into_iter().map(pattern)),
        all_pairs: Scope::Within.pairs(records.len()),
    };
    em::estimate(&fields, &sample, THRESHOLDS)
}

fn candidates(records: &[PersonRecord]) -> BTreeSet<Pair> {
    let mut blocks: BTreeMap<_, Vec<u32>> = BTreeMap::new();
    for (row, record) in (0_u32..).zip(records) {
        for key in record.keys() {
            blocks.entry(key).or_default().push(row);
        }
    }
    let pairs = |block: Vec<u32>| {
        let pair =
            |(place, a): (usize, &u32)| block[place + 1..].iter().map(|b| (*a, *b)).collect::<Vec<_>>();
        block.iter().enumerate().flat_map(pair).collect::<Vec<_>>()
    };
    blocks.into_values().flat_map(pairs).collect()
}
