//! Whether a resource satisfies a search.

use serde_json::Value;

use super::parameters::Have;
use super::query::{Query, Term};
use super::want::{Mode, Want};

impl Query {
    /// Whether all terms are satisfied.
    pub(crate) fn matches(&self, resource: &Value) -> bool {
        self.terms.iter().all(|term| term.matches(resource))
    }
}

impl Term {
    fn matches(&self, resource: &Value) -> bool {
        let values = (self.parameter.values)(resource);
        match self.mode {
            Mode::Missing(missing) => values.is_empty() == missing,
            Mode::Not => !self.some(&values),
            Mode::Plain | Mode::Exact | Mode::Contains => self.some(&values),
        }
    }

    fn some(&self, values: &[Have]) -> bool {
        self.any.iter().any(|want| values.iter().any(|have| self.one(want, have)))
    }

    fn one(&self, want: &Want, have: &Have) -> bool {
        match (want, have) {
            (Want::Token { system, code }, Have::Token(has_system, has_code)) => {
                code.as_ref().is_none_or(|code| code == has_code)
                    && system
                        .as_ref()
                        .is_none_or(|system| system == has_system.as_deref().unwrap_or_default())
            }
            (Want::Text(text), Have::Text(has)) => match self.mode {
                Mode::Exact => text == has,
                Mode::Contains => has.to_lowercase().contains(text.as_str()),
                _ => has.to_lowercase().starts_with(text.as_str()),
            },
            (Want::Reference { kind, id }, Have::Reference(has)) => {
                let mut parts = has.rsplit('/');
                parts.next() == Some(id)
                    && kind.as_deref().is_none_or(|kind| parts.next().is_none_or(|has_kind| has_kind == kind))
            }
            (Want::Date(comparison, asked), Have::Date(span)) => span.satisfies(*comparison, *asked),
            _ => false,
        }
    }
}
