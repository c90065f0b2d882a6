//! The values of a search, as they are asked for.

use super::dates::{Comparison, Span, comparison};
use super::parameters::Type;

/// What a term accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Want {
    /// A code; the system may be anything (`None`), absent (`Some("")`) or a certain one. No code: any of the system.
    Token { system: Option<String>, code: Option<String> },
    /// A text, in lower case unless exact.
    Text(String),
    /// An id, and the type if it was given.
    Reference { kind: Option<String>, id: String },
    /// A date.
    Date(Comparison, Span),
}

/// How a term compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Plain,
    Exact,
    Contains,
    Not,
    /// `:missing=true` or `false`.
    Missing(bool),
}

/// Splits at commas that no backslash protects, and takes the backslashes away (but keeps `\|` for the token).
pub(super) fn split(value: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        let escaped = if c == '\\' { chars.next() } else { None };
        match (c, escaped, parts.last_mut()) {
            (_, Some('|'), Some(last)) => last.push_str("\\|"),
            (_, Some(escaped), Some(last)) => last.push(escaped),
            (',', None, _) => parts.push(String::new()),
            (_, None, Some(last)) => last.push(c),
            _ => {}
        }
    }
    parts
}

/// Reads one value.
pub(super) fn want(kind: Type, mode: Mode, text: &str) -> Option<Want> {
    if text.is_empty() {
        return None;
    }
    Some(match kind {
        Type::Text if mode == Mode::Exact => Want::Text(text.to_owned()),
        Type::Text => Want::Text(text.trim().to_lowercase()),
        Type::Date => {
            let (comparison, rest) = comparison(text);
            Want::Date(comparison, Span::parse(rest)?)
        }
        Type::Reference => {
            let mut parts = text.trim_end_matches('/').rsplit('/');
            let id = parts.next()?.to_owned();
            Want::Reference { kind: parts.next().map(str::to_owned), id }
        }
        Type::Token => {
            let plain = text.replace("\\|", "\u{0}");
            let back = |text: &str| text.replace('\u{0}', "|");
            match plain.split_once('|') {
                None => Want::Token { system: None, code: Some(back(&plain)) },
                Some((system, code)) => {
                    Want::Token { system: Some(back(system)), code: (!code.is_empty()).then(|| back(code)) }
                }
            }
        }
    })
}
