//! Estimation of m, u and the prevalence by expectation and maximisation, without labels.
//!
//! The mixture is over *all* pairs of records. Matches are looked for among the candidates only, since blocking finds
//! nearly all of them; u is estimated from pairs spread over all pairs, each counted by how probably it is no match.
//! Estimating u among the candidates instead would be wrong: blocking makes non-matches agree there. Whether
//! a pair is a candidate follows from its fields, so the posterior of a pattern is the same inside and outside.

use super::{
    model::{Field, Level, Model, Thresholds, log_odds},
    pattern::{Counts, Pattern},
    spec::Probabilities,
};

/// Iterations after which the estimate is taken as it is, marked as not converged.
const MOST_ITERATIONS: u32 = 500;
/// Greatest change of any probability at which the estimate has converged.
const CONVERGED: f64 = 1e-7;
/// Pseudo-observations added to each level, so that what was never seen is improbable and not impossible.
const PSEUDO: f64 = 0.5;
/// Fewer expected matches than this say nothing.
const FEWEST_MATCHES: f64 = 2.0;

/// What the estimation sees: patterns, never records.
pub struct Sample<'a> {
    /// Patterns of the candidate pairs.
    pub candidates: &'a Counts,
    /// Patterns of pairs spread over all pairs.
    pub random: &'a Counts,
    /// The number of all pairs.
    pub all_pairs: f64,
}

/// An estimated model, and how it came about.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// The model.
    pub model: Model,
    /// Iterations done.
    pub iterations: u32,
    /// Whether the last iteration changed no probability by more than 1e-7.
    pub converged: bool,
    /// Expected number of matches among the candidates.
    pub matches: f64,
}

/// Nothing could be estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EmError {
    /// No field of the specification is in the table.
    #[error("the records have none of the specified fields")]
    NoFields,
    /// There is no pair to compare.
    #[error("there are no pairs to compare")]
    NoPairs,
    /// No pair looks like a match.
    #[error("nothing looks like a match: the weights cannot be estimated")]
    NoMatches,
}

/// Estimates a model for fields with these names and levels.
///
/// # Errors
/// [`EmError`] if there is too little to estimate from.
pub fn estimate(
    fields: &[(&str, Vec<&'static str>)],
    sample: &Sample<'_>,
    thresholds: Probabilities,
) -> Result<Estimate, EmError> {
    if fields.is_empty() {
        return Err(EmError::NoFields);
    }
    if sample.candidates.is_empty() || sample.random.is_empty() {
        return Err(EmError::NoPairs);
    }
    let mut model = start(fields, sample);
    let (mut iterations, mut converged) = (0, false);
    while iterations < MOST_ITERATIONS && !converged {
        let next = step(&model, sample);
        converged = change(&model, &next) < CONVERGED;
        model = next;
        iterations += 1;
    }
    let matches = expected_matches(&model, sample.candidates);
    // `<` would let a NaN through.
    if matches.is_nan() || matches < FEWEST_MATCHES {
        return Err(EmError::NoMatches);
    }
    let prior = log_odds(model.prevalence);
    model.thresholds = Thresholds {
        same: log_odds(thresholds.same) - prior,
        doubtful: log_odds(thresholds.doubtful) - prior,
    };
    Ok(Estimate { model, iterations, converged, matches })
}

/// Where EM starts: matches agree mostly, everything else is as in random pairs. That also settles which of the two
/// classes is the matches.
fn start(fields: &[(&str, Vec<&'static str>)], sample: &Sample<'_>) -> Model {
    let names = fields.iter().map(|(name, levels)| {
        let agreeing = |place: usize| if place == 0 { 0.8 } else { 0.2 / (levels.len() - 1) as f64 };
        let level =
            |(place, name): (usize, &&str)| Level { name: (*name).to_owned(), m: agreeing(place), u: 0.0 };
        Field { name: (*name).to_owned(), levels: levels.iter().enumerate().map(level).collect() }
    });
    let mut fields: Vec<Field> = names.collect();
    let u = shares(&fields, sample.random, |_| 1.0);
    set(&mut fields, &u, |level| &mut level.u);
    // One match in two records is more than there will be; EM brings it down.
    let prevalence = (sample.all_pairs.sqrt() / sample.all_pairs).clamp(1e-12, 0.5);
    Model { prevalence, thresholds: Thresholds { same: 0.0, doubtful: 0.0 }, fields }
}

fn step(model: &Model, sample: &Sample<'_>) -> Model {
    let posterior = |pattern| model.probability(model.weight(pattern));
    let mut next = model.clone();
    let m = shares(&model.fields, sample.candidates, posterior);
    let u = shares(&model.fields, sample.random, |pattern| 1.0 - posterior(pattern));
    set(&mut next.fields, &m, |level| &mut level.m);
    set(&mut next.fields, &u, |level| &mut level.u);
    let matches = expected_matches(model, sample.candidates);
    next.prevalence = (matches / sample.all_pairs).clamp(1e-12, 0.5);
    next
}

/// For each field, the share of each level among the pairs where the field is not missing, each pattern weighed.
fn shares(fields: &[Field], counts: &Counts, weigh: impl Fn(Pattern) -> f64) -> Vec<Vec<f64>> {
    let mut sums: Vec<Vec<f64>> = fields.iter().map(|field| vec![PSEUDO; field.levels.len()]).collect();
    for (pattern, count) in counts {
        let weight = *count as f64 * weigh(*pattern);
        for (place, sums) in sums.iter_mut().enumerate() {
            if let Some(sum) = pattern.level(place).and_then(|level| sums.get_mut(level)) {
                *sum += weight;
            }
        }
    }
    for sums in &mut sums {
        let total: f64 = sums.iter().sum();
        sums.iter_mut().for_each(|sum| *sum /= total);
    }
    sums
}

fn set(fields: &mut [Field], shares: &[Vec<f64>], slot: fn(&mut Level) -> &mut f64) {
    for (field, shares) in fields.iter_mut().zip(shares) {
        for (level, share) in field.levels.iter_mut().zip(shares) {
            *slot(level) = *share;
        }
    }
}

fn expected_matches(model: &Model, counts: &Counts) -> f64 {
    counts.iter().map(|(pattern, count)| *count as f64 * model.probability(model.weight(*pattern))).sum()
}

fn change(a: &Model, b: &Model) -> f64 {
    let levels = |model: &Model| {
        let probabilities =
            model.fields.iter().flat_map(|field| field.levels.iter().flat_map(|l| [l.m, l.u]));
        probabilities.chain([model.prevalence]).collect::<Vec<_>>()
    };
    levels(a).iter().zip(levels(b)).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::{EmError, Estimate, Sample, estimate};
    use crate::matching::{
        pattern::{Counts, Pattern},
        spec::Probabilities,
    };

    const THRESHOLDS: Probabilities = Probabilities { same: 0.9, doubtful: 0.1 };
    const M: [f64; 4] = [0.9, 0.8, 0.95, 0.7];
    const U: [f64; 4] = [0.01, 0.1, 0.02, 0.05];
    const MATCHES: f64 = 1000.0;
    const OTHERS: f64 = 1_000_000.0;

    /// How often each pattern is expected among matches and others with the probabilities above.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small and positive")]
    fn mixture() -> Counts {
        let share = |agree: u32, p: [f64; 4]| -> f64 {
            (0..4).map(|field| if agree & (1 << field) == 0 { 1.0 - p[field] } else { p[field] }).product()
        };
        let pattern = |agree: u32| {
            (0..4).fold(Pattern::MISSING, |pattern, field| {
                pattern.with(field, usize::from(agree & (1 << field) == 0))
            })
        };
        let count = |agree| (MATCHES * share(agree, M) + OTHERS * share(agree, U)).round() as u64;
        (0..16).map(|agree| (pattern(agree), count(agree))).collect()
    }

    fn run(candidates: &Counts, random: &Counts) -> Result<Estimate, EmError> {
        let fields = ["a", "b", "c", "d"].map(|name| (name, vec!["exact", "different"]));
        estimate(&fields, &Sample { candidates, random, all_pairs: MATCHES + OTHERS }, THRESHOLDS)
    }

    #[test]
    fn finds_the_probabilities_that_made_the_patterns() {
        let mixture = mixture();
        let found = run(&mixture, &mixture).unwrap();
        assert!(found.converged && found.iterations > 1);
        assert!((found.matches - MATCHES).abs() < 20.0, "{}", found.matches);
        for (field, (m, u)) in found.model.fields.iter().zip(M.into_iter().zip(U)) {
            assert!((field.levels[0].m - m).abs() < 0.02, "{field:?}");
            assert!((field.levels[0].u - u).abs() < 0.001, "{field:?}");
        }
        let thresholds = found.model.thresholds;
        assert!((found.model.probability(thresholds.same) - 0.9).abs() < 1e-9);
        assert!((found.model.probability(thresholds.doubtful) - 0.1).abs() < 1e-9);
    }

    #[test]
    fn says_what_is_lacking() {
        let (mixture, none) = (mixture(), Counts::new());
        assert_eq!(run(&none, &mixture).unwrap_err(), EmError::NoPairs);
        assert_eq!(run(&mixture, &none).unwrap_err(), EmError::NoPairs);
        let sample = Sample { candidates: &mixture, random: &mixture, all_pairs: 10.0 };
        assert_eq!(estimate(&[], &sample, THRESHOLDS).unwrap_err(), EmError::NoFields);
        let nobody = (0..4).fold(Pattern::MISSING, |pattern, field| pattern.with(field, 1));
        let strangers = Counts::from([(nobody, 1000)]);
        assert_eq!(run(&strangers, &strangers).unwrap_err(), EmError::NoMatches);
    }
}
