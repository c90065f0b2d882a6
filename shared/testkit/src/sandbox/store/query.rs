//! Reads a search: names, modifiers, prefixes, and what to do with a parameter that nobody knows.

use super::Kind;
use super::parameters::{Parameter, Type};
use super::want::{Mode, Want, split, want};

/// `Prefer: handling=…`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strictness {
    /// An unknown parameter is an error.
    Strict,
    /// An unknown parameter is ignored and missing from the `self` link.
    Lenient,
}

/// Why a search cannot be run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum QueryError {
    #[error("unknown search parameter \"{0}\"")]
    Unknown(String),
    #[error("unsupported modifier \"{0}\"")]
    Modifier(String),
    #[error("invalid value for search parameter \"{0}\"")]
    Value(String),
}

/// One parameter of a search: satisfied if one of its values is.
pub(crate) struct Term {
    pub(crate) parameter: &'static Parameter,
    pub(crate) mode: Mode,
    pub(crate) any: Vec<Want>,
}

/// A search.
pub(crate) struct Query {
    pub(crate) terms: Vec<Term>,
    /// Parameter to sort by, and whether downwards.
    pub(crate) sort: Vec<(&'static Parameter, bool)>,
    /// Most hits on a page.
    pub(crate) count: usize,
    /// Where the page begins.
    pub(crate) offset: usize,
    /// `_summary=count`.
    pub(crate) only_count: bool,
    /// The pairs that were understood, for the `self` link.
    pub(crate) applied: Vec<(String, String)>,
}

/// Hits on a page if the search does not say.
const DEFAULT_COUNT: usize = 50;
/// The most that `_count` may ask for.
const MAX_COUNT: usize = 1_000;

impl Query {
    /// Reads the pairs of a query string or form.
    pub(crate) fn parse(
        kind: Kind,
        pairs: &[(String, String)],
        strictness: Strictness,
    ) -> Result<Self, QueryError> {
        let mut query = Self {
            terms: Vec::new(),
            sort: Vec::new(),
            count: DEFAULT_COUNT,
            offset: 0,
            only_count: false,
            applied: Vec::new(),
        };
        for (name, value) in pairs {
            if query.read(kind, name, value)? {
                query.applied.push((name.clone(), value.clone()));
            } else if strictness == Strictness::Strict {
                return Err(QueryError::Unknown(name.clone()));
            }
        }
        Ok(query)
    }

    /// Takes one pair in; false if nobody knows it.
    fn read(&mut self, kind: Kind, name: &str, value: &str) -> Result<bool, QueryError> {
        let invalid = || QueryError::Value(name.to_owned());
        match name {
            // Tells the format of the answer, which is always JSON here.
            "_format" | "_pretty" | "_total" => {}
            "_count" => self.count = value.parse::<usize>().map_err(|_| invalid())?.min(MAX_COUNT),
            "_summary" if value == "count" => self.only_count = true,
            "_summary" if value == "false" => {}
            "_sort" => {
                for key in value.split(',') {
                    let parameter = find(kind, key.trim_start_matches('-')).ok_or_else(invalid)?;
                    self.sort.push((parameter, key.starts_with('-')));
                }
            }
            _ => return self.term(kind, name, value),
        }
        Ok(true)
    }

    fn term(&mut self, kind: Kind, name: &str, value: &str) -> Result<bool, QueryError> {
        let (base, modifier) = name.split_once(':').map_or((name, None), |(base, rest)| (base, Some(rest)));
        let Some(parameter) = find(kind, base) else { return Ok(false) };
        let invalid = || QueryError::Value(name.to_owned());
        let mode = match (modifier, parameter.kind) {
            (None, _) => Mode::Plain,
            (Some("exact"), Type::Text) => Mode::Exact,
            (Some("contains"), Type::Text) => Mode::Contains,
            (Some("not"), Type::Token) => Mode::Not,
            (Some("missing"), _) => Mode::Missing(value.parse().map_err(|_| invalid())?),
            (Some("Patient"), Type::Reference) => Mode::Plain,
            (Some(other), _) => return Err(QueryError::Modifier(other.to_owned())),
        };
        let mut any = Vec::new();
        if !matches!(mode, Mode::Missing(_)) {
            for part in split(value) {
                any.push(want(parameter.kind, mode, &part).ok_or_else(invalid)?);
            }
        }
        self.terms.push(Term { parameter, mode, any });
        Ok(true)
    }

    /// Forgets terms, as a server does that does not know them.
    pub(crate) fn ignore(&mut self, names: &[String], hide: bool) {
        let ignored = |name: &str| {
            let base = name.split(':').next().unwrap_or(name);
            if names.is_empty() { !base.starts_with('_') } else { names.iter().any(|name| name == base) }
        };
        self.terms.retain(|term| !ignored(term.parameter.name));
        if !hide {
            self.applied.retain(|(name, _)| !ignored(name));
        }
    }
}

fn find(kind: Kind, name: &str) -> Option<&'static Parameter> {
    kind.parameters().iter().find(|parameter| parameter.name == name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Query, QueryError, Strictness, Want};
    use crate::sandbox::store::Kind;

    fn parse(name: &str, value: &str, strictness: Strictness) -> Result<Query, QueryError> {
        Query::parse(Kind::Patient, &[(name.to_owned(), value.to_owned())], strictness)
    }

    #[test]
    fn reads_tokens_with_systems_commas_and_escapes() {
        let Ok(query) = parse("identifier", "urn:a|1,|2,3,urn:b|,x\\,y", Strictness::Strict) else {
            panic!("is a search")
        };
        let token = |system: Option<&str>, code: Option<&str>| Want::Token {
            system: system.map(str::to_owned),
            code: code.map(str::to_owned),
        };
        let wanted = [
            token(Some("urn:a"), Some("1")),
            token(Some(""), Some("2")),
            token(None, Some("3")),
            token(Some("urn:b"), None),
            token(None, Some("x,y")),
        ];
        assert_eq!(query.terms[0].any, wanted);
    }

    #[test]
    fn unknown_parameters_are_errors_only_if_strict() {
        assert!(
            matches!(parse("shoe", "9", Strictness::Strict), Err(QueryError::Unknown(name)) if name == "shoe")
        );
        assert!(parse("shoe", "9", Strictness::Lenient).is_ok_and(|query| query.applied.is_empty()));
        assert!(matches!(parse("family:sounds", "x", Strictness::Lenient), Err(QueryError::Modifier(_))));
        assert!(matches!(parse("birthdate", "soon", Strictness::Lenient), Err(QueryError::Value(_))));
    }

    #[test]
    fn ignoring_takes_terms_out_of_the_self_link_unless_hidden() {
        for hide in [false, true] {
            let Ok(mut query) = parse("identifier", "urn:a|1", Strictness::Strict) else {
                panic!("is a search")
            };
            query.ignore(&[], hide);
            assert!(query.terms.is_empty());
            assert_eq!(query.applied.len(), usize::from(hide));
        }
    }

    proptest! {
        #[test]
        fn never_panics(name in "[a-z_:]{0,12}|identifier|birthdate|family:exact", value in "\\PC{0,40}") {
            let _ = parse(&name, &value, Strictness::Lenient);
        }
    }
}
