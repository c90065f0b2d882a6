//! The model: weights and thresholds, as data.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::pattern::{MAX_FIELDS, MAX_LEVELS, Pattern};

/// Why a specification or a model was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// Not TOML of the expected form.
    #[error("{0}")]
    Toml(String),
    /// Too few or too many fields.
    #[error("a model has 1 to {MAX_FIELDS} fields")]
    Fields,
    /// Too few or too many levels, or not those that the comparison yields.
    #[error("field `{0}`: the levels are not those of its comparison, best first")]
    Levels(String),
    /// m or u is not a probability strictly between 0 and 1, or they sum to more than 1.
    #[error("field `{0}`: m and u must be above 0, and each sum to 1 at most")]
    Probability(String),
    /// The thresholds are out of order or out of range.
    #[error("thresholds: doubtful must not be above same")]
    Thresholds,
    /// The prevalence is not strictly between 0 and 1.
    #[error("prevalence must be between 0 and 1")]
    Prevalence,
}

/// What a comparison comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Two persons.
    Different,
    /// A person must decide.
    Doubtful,
    /// One person.
    Same,
}

/// Weights, prevalence and thresholds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// The share of true matches among all pairs.
    pub prevalence: f64,
    /// In bits of the summed weights.
    pub thresholds: Thresholds,
    /// The fields, in the order of the patterns.
    #[serde(rename = "field")]
    pub fields: Vec<Field>,
}

/// The two thresholds, in bits of the summed weights (the prevalence not included).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    /// At least this: the same.
    pub same: f64,
    /// At least this: doubtful. Less: different.
    pub doubtful: f64,
}

/// One field's levels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// The field's name.
    pub name: String,
    /// Its levels, best first.
    pub levels: Vec<Level>,
}

/// One agreement level.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Level {
    /// The level's name.
    pub name: String,
    /// How often records of one person show it.
    pub m: f64,
    /// How often records of two persons show it.
    pub u: f64,
}

impl Level {
    /// The weight in bits: positive speaks for one person, negative for two.
    pub fn weight(&self) -> f64 {
        (self.m / self.u).log2()
    }
}

impl Model {
    /// Reads a model and checks it.
    ///
    /// # Errors
    /// [`ModelError`] says what is wrong with the text.
    pub fn from_toml(text: &str) -> Result<Self, ModelError> {
        let model: Self = toml::from_str(text).map_err(|error| ModelError::Toml(error.to_string()))?;
        model.check()?;
        Ok(model)
    }

    fn check(&self) -> Result<(), ModelError> {
        if self.fields.is_empty() || self.fields.len() > MAX_FIELDS {
            return Err(ModelError::Fields);
        }
        if !(self.prevalence > 0.0 && self.prevalence < 1.0) {
            return Err(ModelError::Prevalence);
        }
        let Thresholds { same, doubtful } = self.thresholds;
        if !(same.is_finite() && doubtful.is_finite() && doubtful <= same) {
            return Err(ModelError::Thresholds);
        }
        for field in &self.fields {
            if field.levels.len() < 2 || field.levels.len() > MAX_LEVELS {
                return Err(ModelError::Levels(field.name.clone()));
            }
            let sum = |p: fn(&Level) -> f64| field.levels.iter().map(p).sum::<f64>();
            let positive = field.levels.iter().all(|level| level.m > 0.0 && level.u > 0.0);
            // Written numbers are rounded: allow for it.
            if !positive || sum(|l| l.m) > 1.000_1 || sum(|l| l.u) > 1.000_1 {
                return Err(ModelError::Probability(field.name.clone()));
            }
        }
        Ok(())
    }

    /// The model as TOML that [`Model::from_toml`] reads.
    pub fn to_toml(&self) -> String {
        let mut out = format!("prevalence = {:e}\n\n[thresholds]\n", self.prevalence);
        // Writing to a string does not fail.
        let _ =
            writeln!(out, "same = {:.2}\ndoubtful = {:.2}", self.thresholds.same, self.thresholds.doubtful);
        for field in &self.fields {
            let _ = writeln!(out, "\n[[field]]\nname = {:?}\nlevels = [", field.name);
            for level in &field.levels {
                let Level { name, m, u } = level;
                let _ = writeln!(
                    out,
                    "  {{ name = {name:?}, m = {m:.3e}, u = {u:.3e} }}, # {:+.1} bits",
                    level.weight()
                );
            }
            out.push_str("]\n");
        }
        out
    }

    /// The summed weights of a pattern, in bits. A missing field says nothing.
    pub fn weight(&self, pattern: Pattern) -> f64 {
        let weigh = |(place, field): (usize, &Field)| {
            pattern.level(place).and_then(|level| field.levels.get(level)).map_or(0.0, Level::weight)
        };
        self.fields.iter().enumerate().map(weigh).sum()
    }

    /// The probability that a pair with these summed weights is one person.
    pub fn probability(&self, weight: f64) -> f64 {
        let log_odds = weight + log_odds(self.prevalence);
        1.0 / (1.0 + (-log_odds).exp2())
    }

    /// The verdict on these summed weights.
    pub fn verdict(&self, weight: f64) -> Verdict {
        if weight >= self.thresholds.same {
            Verdict::Same
        } else if weight >= self.thresholds.doubtful {
            Verdict::Doubtful
        } else {
            Verdict::Different
        }
    }
}

/// Log-odds of a probability, in bits.
pub(super) fn log_odds(probability: f64) -> f64 {
    (probability / (1.0 - probability)).log2()
}

#[cfg(test)]
mod tests {
    use super::{Field, Level, Model, ModelError, Thresholds, Verdict};
    use crate::matching::pattern::Pattern;

    fn model() -> Model {
        let level = |name: &str, m, u| Level { name: name.to_owned(), m, u };
        Model {
            prevalence: 0.5,
            thresholds: Thresholds { same: 2.0, doubtful: 0.0 },
            fields: vec![Field {
                name: "a".to_owned(),
                levels: vec![level("exact", 0.8, 0.1), level("different", 0.2, 0.9)],
            }],
        }
    }

    #[test]
    fn weighs_and_judges() {
        let model = model();
        let weight = |pattern| model.weight(pattern);
        assert!((weight(Pattern::MISSING.with(0, 0)) - 3.0).abs() < 1e-9);
        assert!(weight(Pattern::MISSING.with(0, 1)) < 0.0);
        assert!(weight(Pattern::MISSING).abs() < 1e-9);
        assert!((model.probability(0.0) - 0.5).abs() < 1e-9);
        assert_eq!(model.verdict(3.0), Verdict::Same);
        assert_eq!(model.verdict(1.0), Verdict::Doubtful);
        assert_eq!(model.verdict(-1.0), Verdict::Different);
    }

    #[test]
    fn is_written_and_read() {
        assert_eq!(Model::from_toml(&model().to_toml()), Ok(model()));
    }

    #[test]
    fn wrong_models_are_refused() {
        let mut wrong = model();
        wrong.thresholds.doubtful = 5.0;
        assert_eq!(Model::from_toml(&wrong.to_toml()), Err(ModelError::Thresholds));
        let mut wrong = model();
        wrong.fields[0].levels[0].u = 0.0;
        assert_eq!(Model::from_toml(&wrong.to_toml()), Err(ModelError::Probability("a".to_owned())));
        let mut wrong = model();
        wrong.prevalence = 1.0;
        assert_eq!(Model::from_toml(&wrong.to_toml()), Err(ModelError::Prevalence));
    }
}
