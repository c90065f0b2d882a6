//! Linking the records of a table under a specification.

use super::{
    block::{self, Blocker},
    compare::one_typo,
    em::{self, EmError, Estimate, Sample},
    model::{Model, Verdict},
    pattern::{Pattern, count},
    spec::{FieldSpec, Spec},
    table::Table,
};

/// Two records, by row; the smaller first.
pub type Pair = (u32, u32);

/// Which pairs of a table count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Any two records: finding duplicates.
    Within,
    /// One record among the first so many, the other among the rest: linking two files.
    Between(usize),
}

impl Scope {
    /// The pair of two rows, if it counts.
    pub(super) fn pair(self, a: u32, b: u32) -> Option<Pair> {
        let (a, b) = (a.min(b), a.max(b));
        let counts = match self {
            Self::Within => a != b,
            Self::Between(first) => (a as usize) < first && (b as usize) >= first,
        };
        counts.then_some((a, b))
    }

    /// The number of all pairs that count.
    pub fn pairs(self, len: usize) -> f64 {
        match self {
            Self::Within => len as f64 * (len as f64 - 1.0) / 2.0,
            Self::Between(first) => first.min(len) as f64 * len.saturating_sub(first) as f64,
        }
    }
}

/// A candidate pair with its score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    /// The two records.
    pub pair: Pair,
    /// The summed weights, in bits.
    pub weight: f64,
    /// The probability that they are one person.
    pub probability: f64,
    /// The verdict.
    pub verdict: Verdict,
}

struct Bound<'a> {
    spec: &'a FieldSpec,
    column: usize,
    crossed: Option<usize>,
}

/// A table bound to a specification.
pub struct Linker<'a> {
    table: &'a Table,
    spec: &'a Spec,
    scope: Scope,
    fields: Vec<Bound<'a>>,
    columns: Vec<usize>,
}

impl<'a> Linker<'a> {
    /// Binds the specification's columns. Fields whose column the table lacks are left out.
    pub fn new(table: &'a Table, spec: &'a Spec, scope: Scope) -> Self {
        let bind = |field: &'a FieldSpec| {
            let column = table.column(&field.name)?;
            let crossed = field.crossed_with.as_deref().and_then(|name| table.column(name));
            Some(Bound { spec: field, column, crossed })
        };
        let fields: Vec<Bound<'_>> = spec.fields.iter().filter_map(bind).collect();
        let columns = fields.iter().map(|field| field.column).collect();
        Self { table, spec, scope, fields, columns }
    }

    /// The fields that are compared: the specification's, as far as the table has them.
    pub fn fields(&self) -> impl Iterator<Item = &'a FieldSpec> {
        self.fields.iter().map(|field| field.spec)
    }

    /// Compares two records.
    pub fn pattern(&self, (a, b): Pair) -> Pattern {
        let (a, b) = (a as usize, b as usize);
        self.fields.iter().enumerate().fold(Pattern::MISSING, |pattern, (place, field)| {
            match self.level(field, a, b) {
                Some(level) => pattern.with(place, level),
                None => pattern,
            }
        })
    }

    fn level(&self, field: &Bound<'_>, a: usize, b: usize) -> Option<usize> {
        let (x, y) = (self.table.number(a, field.column), self.table.number(b, field.column));
        if x == Table::EMPTY || y == Table::EMPTY {
            return None;
        }
        if x == y {
            return Some(0);
        }
        let level = field.spec.compare.compare(self.table.value(x), self.table.value(y));
        let different = field.spec.compare.levels().len() - 1;
        if level < different || field.spec.crossed_with.is_none() {
            return Some(level);
        }
        let crossed = field.crossed.is_some_and(|other| {
            self.agree(x, self.table.number(b, other)) || self.agree(y, self.table.number(a, other))
        });
        Some(if crossed { different } else { different + 1 })
    }

    fn agree(&self, x: u32, y: u32) -> bool {
        y != Table::EMPTY && (x == y || one_typo(self.table.value(x), self.table.value(y)))
    }

    /// The candidate pairs of all blocking passes, each once, in order.
    pub fn candidates(&self) -> Vec<Pair> {
        let blocker = Blocker {
            table: self.table,
            scope: self.scope,
            limits: self.spec.limits,
            sort_by: &self.columns,
        };
        blocker.candidates(&self.spec.passes)
    }

    /// Estimates weights, prevalence and thresholds from the table itself, without labels.
    ///
    /// # Errors
    /// [`EmError`] if the table has no field of the specification, or nothing in it looks like a match.
    pub fn estimate(&self, candidates: &[Pair]) -> Result<Estimate, EmError> {
        let random = block::spread(self.scope, self.table.len(), self.spec.limits.random_pairs);
        let levels = self.fields().map(|field| (field.name.as_str(), field.levels())).collect::<Vec<_>>();
        let sample = Sample {
            candidates: &count(candidates.iter().map(|pair| self.pattern(*pair))),
            random: &count(random.into_iter().map(|pair| self.pattern(pair))),
            all_pairs: self.scope.pairs(self.table.len()),
        };
        em::estimate(&levels, &sample, self.spec.thresholds)
    }

    /// Scores pairs under a model whose fields are this linker's (an estimate of it, or the same written down).
    pub fn score<'b>(&'b self, model: &'b Model, pairs: &'b [Pair]) -> impl Iterator<Item = Scored> + 'b {
        pairs.iter().map(|pair| {
            let weight = model.weight(self.pattern(*pair));
            let (probability, verdict) = (model.probability(weight), model.verdict(weight));
            Scored { pair: *pair, weight, probability, verdict }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Linker, Scope};
    use crate::matching::{FEBRL_SPEC, Spec, Table};

    const RECORDS: &str =
        "given_name,surname,postcode\nann,lee,4011\nlee,ann,4101\nbob,,9999\nanne,lee,4011\n";

    #[test]
    fn compares_the_columns_that_the_table_has() {
        let (table, spec) = (Table::from_csv(RECORDS).unwrap(), Spec::from_toml(FEBRL_SPEC).unwrap());
        let linker = Linker::new(&table, &spec, Scope::Within);
        let fields: Vec<_> = linker.fields().collect();
        let names = |pair| {
            let pattern = linker.pattern(pair);
            let name = |(place, levels): (usize, Vec<&'static str>)| {
                pattern.level(place).map_or("missing", |level| levels[level])
            };
            fields.iter().map(|field| field.levels()).enumerate().map(name).collect::<Vec<_>>()
        };
        assert_eq!(names((0, 1)), ["crossed", "crossed", "typo"]);
        assert_eq!(names((0, 2)), ["different", "missing", "different"]);
        assert_eq!(names((0, 3)), ["typo", "exact", "exact"]);
        assert_eq!(linker.candidates(), [(0, 1), (0, 3), (1, 3)]);
    }

    #[test]
    fn links_two_files_only_across() {
        let (table, spec) = (Table::from_csv(RECORDS).unwrap(), Spec::from_toml(FEBRL_SPEC).unwrap());
        let linker = Linker::new(&table, &spec, Scope::Between(2));
        assert_eq!(linker.candidates(), [(0, 3), (1, 3)]);
        assert!(linker.estimate(&[]).is_err());
    }
}
