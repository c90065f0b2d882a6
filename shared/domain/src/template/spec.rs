//! A template file as it is written, after its bases were laid under it.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Notification, PayerProtocol, Requires, Retry};
use crate::ids::SourceName;

/// A whole template. `docs/templates.md` describes every key.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Spec {
    pub(super) name: String,
    pub(super) version: u32,
    pub(super) form_versions: Vec<String>,
    pub(super) time_zone: String,
    pub(super) source: SourceName,
    pub(super) npi: Option<String>,
    pub(super) requires: Requires,
    pub(super) payer_protocol: PayerProtocol,
    pub(super) ehr: String,
    #[serde(default)]
    pub(super) retry: Retry,
    #[serde(default)]
    pub(super) editable: Vec<String>,
    /// Table → word → meaning.
    #[serde(default)]
    pub(super) maps: BTreeMap<String, BTreeMap<String, String>>,
    pub(super) notification: Notification,
    pub(super) fields: toml::Table,
}

/// What stands at a field: one rule, or several of which the first that finds something counts.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum RulesSpec {
    /// Short for `{ from = "…" }`.
    Path(String),
    /// One rule.
    One(RuleSpec),
    /// Alternatives.
    Many(Vec<RuleSpec>),
}

/// One rule: exactly one of `from`, `all`, `join`, `expr`, and steps.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleSpec {
    /// The first of these paths that has something.
    pub(super) from: Option<OneOrMany>,
    /// Everything at these paths, as a list.
    pub(super) all: Option<OneOrMany>,
    /// Everything at these paths, joined by `with`.
    pub(super) join: Option<Vec<String>>,
    pub(super) with: Option<String>,
    /// A CEL expression over `form`.
    pub(super) expr: Option<String>,
    #[serde(default)]
    pub(super) steps: Vec<StepSpec>,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    pub(super) fn into_vec(self) -> Vec<String> {
        match self {
            Self::One(one) => vec![one],
            Self::Many(many) => many,
        }
    }
}

/// A step: a word, or a table of one key.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum StepSpec {
    Name,
    Surname,
    NotInitial,
    Initial,
    Upper,
    Lower,
    NoSpaces,
    Date(Vec<String>),
    LocalTime(Vec<String>),
    Split(SplitSpec),
    Lines(String),
    Capture(String),
    Map(String),
    Contains(String),
    Matches(String),
    Default(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SplitSpec {
    pub(super) by: String,
    pub(super) pick: isize,
}
