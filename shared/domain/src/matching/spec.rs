//! What is compared, and how candidate pairs are found: data, written as TOML.

use serde::Deserialize;

use super::{
    compare::Comparator,
    model::ModelError,
    pattern::{MAX_FIELDS, MAX_LEVELS},
};

/// A linkage without its weights.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// The posterior probability from which a pair is the same; the other verdicts follow from it.
    pub thresholds: Probabilities,
    /// Bounds on the work.
    #[serde(default)]
    pub limits: Limits,
    /// The fields that are compared. Those whose column a table does not have are left out.
    #[serde(rename = "field")]
    pub fields: Vec<FieldSpec>,
    /// The blocking passes: a pair is a candidate if any pass finds it. Those that name a column which a table does
    /// not have are left out.
    #[serde(rename = "pass")]
    pub passes: Vec<Pass>,
}

/// The two thresholds as posterior probabilities of being one person.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Probabilities {
    /// At least this: the same.
    pub same: f64,
    /// At least this: doubtful. Less: different.
    pub doubtful: f64,
}

/// Bounds that keep the work linear in the number of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Records in one block that are compared all with all. A larger block is sorted, and each record is compared with its neighbours only.
    pub block: usize,
    /// How many neighbours on either side, in a block that is too large.
    pub neighbours: usize,
    /// How many random pairs the u-probabilities are estimated from, at most.
    pub random_pairs: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { block: 200, neighbours: 20, random_pairs: 500_000 }
    }
}

/// One field.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldSpec {
    /// The column, and the field's name in the model.
    pub name: String,
    /// How its values are compared.
    pub compare: Comparator,
    /// A column with which this one is confused at entry (given and family name): adds the level `crossed`.
    #[serde(default)]
    pub crossed_with: Option<String>,
}

/// One blocking pass: records with equal keys are candidates. A record that lacks a part has no key in the pass.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pass {
    /// The parts of the key.
    pub key: Vec<KeyPart>,
    /// Whether the parts count in any order: finds pairs with exchanged columns.
    #[serde(default)]
    pub any_order: bool,
}

/// One part of a blocking key: a column, and how much of its value counts. Written `column`, `column:soundex` or `column:3` (leading letters).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct KeyPart {
    /// The column.
    pub column: String,
    /// What of it.
    pub take: Take,
}

/// What of a value goes into a blocking key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Take {
    /// All.
    Whole,
    /// How it sounds.
    Soundex,
    /// The leading letters.
    Prefix(usize),
}

impl TryFrom<String> for KeyPart {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let (column, take) = match text.split_once(':') {
            None => (text.as_str(), Take::Whole),
            Some((column, "soundex")) => (column, Take::Soundex),
            Some((column, letters)) => {
                let letters =
                    letters.parse().map_err(|_| format!("`{text}`: expected soundex or a number"))?;
                (column, Take::Prefix(letters))
            }
        };
        Ok(Self { column: column.to_owned(), take })
    }
}

impl FieldSpec {
    /// The names of the field's levels, best first.
    pub fn levels(&self) -> Vec<&'static str> {
        let mut levels = self.compare.levels().to_vec();
        if self.crossed_with.is_some() {
            levels.insert(levels.len() - 1, "crossed");
        }
        levels
    }
}

impl Spec {
    /// Reads a specification.
    ///
    /// # Errors
    /// [`ModelError`] says what is wrong with the text.
    pub fn from_toml(text: &str) -> Result<Self, ModelError> {
        let spec: Self = toml::from_str(text).map_err(|error| ModelError::Toml(error.to_string()))?;
        if spec.fields.is_empty() || spec.fields.len() > MAX_FIELDS {
            return Err(ModelError::Fields);
        }
        if let Some(field) = spec.fields.iter().find(|field| field.levels().len() > MAX_LEVELS) {
            return Err(ModelError::Levels(field.name.clone()));
        }
        let Probabilities { same, doubtful } = spec.thresholds;
        if !(0.0 < doubtful && doubtful <= same && same < 1.0) {
            return Err(ModelError::Thresholds);
        }
        Ok(spec)
    }
}

#[cfg(test)]
mod tests {
    use super::{Spec, Take};
    use crate::matching::{FEBRL_SPEC, ModelError};

    #[test]
    fn the_bundled_specification_reads() {
        let spec = Spec::from_toml(FEBRL_SPEC).unwrap();
        assert!(spec.fields.iter().any(|field| field.levels().contains(&"crossed")));
        assert!(spec.passes.iter().flat_map(|pass| &pass.key).any(|part| part.take == Take::Soundex));
    }

    #[test]
    fn wrong_specifications_are_refused() {
        let base = "[thresholds]\nsame = 0.9\ndoubtful = 0.1\n";
        let field = "[[field]]\nname = \"a\"\ncompare = \"text\"\n";
        let pass = "[[pass]]\nkey = [\"a\"]\n";
        assert!(Spec::from_toml(&format!("{base}{field}{pass}")).is_ok());
        for bad in [
            format!("{base}{pass}"),
            format!("{base}{field}[[pass]]\nkey = [\"a:x\"]\n"),
            format!("{base}{field}{pass}extra = 1\n"),
        ] {
            assert!(matches!(Spec::from_toml(&bad), Err(ModelError::Toml(_))), "{bad}");
        }
        let crossed = format!("[thresholds]\nsame = 0.1\ndoubtful = 0.9\n{field}{pass}");
        assert_eq!(Spec::from_toml(&crossed), Err(ModelError::Thresholds));
    }
}
