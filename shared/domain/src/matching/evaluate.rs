//! Measuring a linkage against known truth.

use std::collections::HashMap;

use super::link::{Pair, Scope};

/// The person that a FEBRL `rec_id` belongs to: `rec-223-org` and `rec-223-dup-0` are person `223`.
pub fn febrl_person(rec_id: &str) -> &str {
    let rest = rec_id.trim_start_matches("rec").trim_start_matches(['-', ' ']);
    rest.split(['-', ' ']).next().unwrap_or(rest)
}

/// How well found pairs agree with the truth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quality {
    /// Found pairs that are true.
    pub hits: usize,
    /// Found pairs that are not.
    pub wrong: usize,
    /// True pairs that were not found.
    pub missed: usize,
}

impl Quality {
    /// Holds found pairs (each once) against labels: records with equal labels are one person.
    pub fn measure(labels: &[&str], scope: Scope, found: impl IntoIterator<Item = Pair>) -> Self {
        let truth = true_pairs(labels, scope);
        let (mut hits, mut wrong) = (0, 0);
        for (a, b) in found {
            if labels[a as usize] == labels[b as usize] {
                hits += 1;
            } else {
                wrong += 1;
            }
        }
        Self { hits, wrong, missed: truth.saturating_sub(hits) }
    }

    /// The share of found pairs that are true.
    pub fn precision(self) -> f64 {
        share(self.hits, self.wrong)
    }

    /// The share of true pairs that were found.
    pub fn recall(self) -> f64 {
        share(self.hits, self.missed)
    }

    /// The harmonic mean of precision and recall.
    pub fn f1(self) -> f64 {
        share(2 * self.hits, self.wrong + self.missed)
    }
}

fn share(part: usize, rest: usize) -> f64 {
    if part + rest == 0 { 0.0 } else { part as f64 / (part + rest) as f64 }
}

/// The number of pairs in scope with equal labels.
pub fn true_pairs(labels: &[&str], scope: Scope) -> usize {
    let mut groups: HashMap<&str, (usize, usize)> = HashMap::new();
    for (row, label) in labels.iter().enumerate() {
        let (left, right) = groups.entry(label).or_default();
        match scope {
            Scope::Between(first) if row >= first => *right += 1,
            _ => *left += 1,
        }
    }
    let pairs = |(left, right): &(usize, usize)| match scope {
        Scope::Within => left * (left - 1) / 2,
        Scope::Between(_) => left * right,
    };
    groups.values().map(pairs).sum()
}

#[cfg(test)]
mod tests {
    use super::{Quality, febrl_person, true_pairs};
    use crate::matching::{FEBRL_1, FEBRL_SPEC, Linker, Spec, Table, Verdict, link::Scope};

    #[test]
    fn counts_pairs() {
        let labels = ["1", "1", "1", "2", "2", "3"];
        assert_eq!(true_pairs(&labels, Scope::Within), 4);
        assert_eq!(true_pairs(&labels, Scope::Between(2)), 2);
        let quality = Quality::measure(&labels, Scope::Within, [(0, 1), (0, 2), (3, 5)]);
        assert_eq!((quality.hits, quality.wrong, quality.missed), (2, 1, 2));
        assert!((quality.precision() - 2.0 / 3.0).abs() < 1e-12);
        assert!((quality.recall() - 0.5).abs() < 1e-12);
        assert_eq!(febrl_person("rec-223-dup-0"), "223");
        assert_eq!(febrl_person("rec 223 org"), "223");
    }

    #[test]
    fn febrl_1_is_linked_as_well_as_by_the_reference() {
        let (table, spec) = (Table::from_csv(FEBRL_1).unwrap(), Spec::from_toml(FEBRL_SPEC).unwrap());
        let linker = Linker::new(&table, &spec, Scope::Within);
        let candidates = linker.candidates();
        let estimate = linker.estimate(&candidates).unwrap();
        assert!(estimate.converged);
        let ids = table.column("rec_id").unwrap();
        let labels: Vec<&str> = (0..table.len()).map(|row| febrl_person(table.cell(row, ids))).collect();
        let same = linker.score(&estimate.model, &candidates).filter(|s| s.verdict == Verdict::Same);
        let quality = Quality::measure(&labels, Scope::Within, same.map(|scored| scored.pair));
        assert!(quality.precision() >= 0.999, "{quality:?}");
        assert!(quality.recall() >= 0.994, "{quality:?}");
        assert!(quality.f1() >= 0.997, "{quality:?}");
    }
}
