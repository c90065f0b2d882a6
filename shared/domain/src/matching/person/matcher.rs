//! The matcher of persons: written weights within guard rules.

use super::{
    WEIGHTS,
    levels::{FIELDS, Likeness},
    names::Nicknames,
    record::PersonRecord,
    rules,
};
use crate::matching::model::{Model, ModelError, Verdict};

/// Compares person records.
pub struct Matcher {
    model: Model,
    nicknames: Nicknames,
}

/// A verdict with its score. Free of PHI.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Assessment {
    /// The verdict.
    pub verdict: Verdict,
    /// The summed weights, in bits.
    pub weight: f64,
    /// The probability of one person by the weights alone, before the guard rules.
    pub probability: f64,
}

/// What two records have in common, by the names of fields. Free of PHI.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Alike {
    /// The fields that agree.
    pub agrees: Vec<String>,
    /// The fields that do not, each with its level: `given:variant`.
    pub differs: Vec<String>,
}

impl Matcher {
    /// The matcher with the bundled weights.
    ///
    /// # Errors
    /// [`ModelError`] if the bundled weights are wrong, which a test rules out.
    pub fn bundled() -> Result<Self, ModelError> {
        Self::new(Model::from_toml(WEIGHTS)?)
    }

    /// A matcher with other weights.
    ///
    /// # Errors
    /// [`ModelError`] if the fields or levels are not those of the bundled weights.
    pub fn new(model: Model) -> Result<Self, ModelError> {
        if model.fields.len() != FIELDS.len() {
            return Err(ModelError::Fields);
        }
        for (field, (name, levels)) in model.fields.iter().zip(FIELDS) {
            let written = field.levels.iter().map(|level| level.name.as_str());
            if field.name != *name || !written.eq(levels.iter().copied()) {
                return Err(ModelError::Levels((*name).to_owned()));
            }
        }
        Ok(Self { model, nicknames: Nicknames::bundled() })
    }

    /// Compares two records of one clinic. Symmetric.
    pub fn compare(&self, a: &PersonRecord, b: &PersonRecord) -> Verdict {
        self.assess(a, b).verdict
    }

    /// In which fields two records agree, and in which not and how, as names without a value: for the person who decides.
    pub fn explain(&self, a: &PersonRecord, b: &PersonRecord) -> Alike {
        let likeness = Likeness::of(a, b, &self.nicknames);
        let pattern = likeness.pattern();
        let mut alike = Alike::default();
        for (nth, (field, levels)) in FIELDS.iter().enumerate() {
            match pattern.level(nth) {
                Some(0) => alike.agrees.push((*field).to_owned()),
                Some(level) => {
                    let how = levels.get(level).copied().unwrap_or("different");
                    alike.differs.push(format!("{field}:{how}"));
                }
                None => {}
            }
        }
        if likeness.suffix_conflict {
            alike.differs.push("suffix:different".to_owned());
        }
        alike
    }

    /// Compares two records of one clinic, and tells the score. Symmetric.
    pub fn assess(&self, a: &PersonRecord, b: &PersonRecord) -> Assessment {
        let likeness = Likeness::of(a, b, &self.nicknames);
        let weight = self.model.weight(likeness.pattern());
        let verdict = if rules::certain(&likeness) {
            Verdict::Same
        } else if a.keys().is_disjoint(&b.keys()) {
            // A store would not have found the pair: the verdict must not depend on how it came together.
            Verdict::Different
        } else {
            self.model.verdict(weight).min(rules::ceiling(&likeness))
        };
        Assessment { verdict, weight, probability: self.model.probability(weight) }
    }
}
