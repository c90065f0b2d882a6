//! A printed line as words, and values that vary from run to run.

use std::sync::LazyLock;

use regex::Regex;

/// What kind of value varies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// An opaque id: a UUID, a trace, a resource of the sandbox's EHR.
    Id,
    /// A moment or a day.
    Time,
    /// How long something took or lasts.
    Span,
    /// How many a minute.
    Rate,
}

/// A part of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// To be the same, letter by letter.
    Word(&'a str),
    /// To be of the same kind.
    Value(Kind, &'a str),
    /// The line under a table's head, as long as the table is wide.
    Rule,
}

const KINDS: [(&str, Option<Kind>); 5] = [
    ("id", Some(Kind::Id)),
    ("time", Some(Kind::Time)),
    ("span", Some(Kind::Span)),
    ("rate", Some(Kind::Rate)),
    ("rule", None),
];

#[allow(clippy::unwrap_used, reason = "the expression is a constant, which the tests compile")]
static VALUES: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?P<id>\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b(?:[0-9a-f]{32}|[0-9a-f]{16})\b)",
        r"|(?P<time>\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z?)?\b|\b\d\d:\d\d:\d\d\b)",
        r"|(?P<span>\b\d+(?:\.\d+)? (?:ms|s|min|h|d)\b)",
        r"|(?P<rate>\b\d+\.\d\b)",
        r"|(?P<rule>─+)",
    ))
    .unwrap()
});

/// The parts of a line. How many spaces are between them does not count: columns are as wide as what is in them.
pub(super) fn tokens(line: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut end = 0;
    for found in VALUES.captures_iter(line) {
        let Some(whole) = found.get(0) else { continue };
        tokens.extend(line[end..whole.start()].split_whitespace().map(Token::Word));
        let kind = KINDS.iter().find(|(name, _)| found.name(name).is_some()).and_then(|(_, kind)| *kind);
        tokens.push(kind.map_or(Token::Rule, |kind| Token::Value(kind, whole.as_str())));
        end = whole.end();
    }
    tokens.extend(line[end..].split_whitespace().map(Token::Word));
    tokens
}

/// The values of a kind in some lines, in their order.
pub(super) fn values(lines: &[String], kind: Kind) -> Vec<&str> {
    let of = |token| match token {
        Token::Value(one, text) if one == kind => Some(text),
        _ => None,
    };
    lines.iter().flat_map(|line| tokens(line)).filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::{Kind, Token, tokens};

    #[test]
    fn values_are_told_from_words() {
        let value = Token::Value;
        let id = "01a204d6-a182-77ba-8876-8c0dcbb5b576";
        for (line, expected) in [
            ("held 12, dead 0", vec!["held", "12,", "dead", "0"].into_iter().map(Token::Word).collect()),
            (
                &format!("plan:{id} of lane-1"),
                vec![Token::Word("plan:"), value(Kind::Id, id), Token::Word("of"), Token::Word("lane-1")],
            ),
            ("patient 97a75e46c23a2ef9", vec![Token::Word("patient"), value(Kind::Id, "97a75e46c23a2ef9")]),
            (
                "2026-11-22T19:57:08.377Z  67.367 s",
                vec![value(Kind::Time, "2026-11-22T19:57:08.377Z"), value(Kind::Span, "67.367 s")],
            ),
            ("on 2026-11-22:", vec![Token::Word("on"), value(Kind::Time, "2026-11-22"), Token::Word(":")]),
            ("2026-11-22 19:57", vec![value(Kind::Time, "2026-11-22 19:57")]),
            ("0.6  3", vec![value(Kind::Rate, "0.6"), Token::Word("3")]),
            ("───── x", vec![Token::Rule, Token::Word("x")]),
        ] {
            assert_eq!(tokens(line), expected, "{line}");
        }
    }
}
