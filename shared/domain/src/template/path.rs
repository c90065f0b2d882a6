//! Paths into a form.
//!
//! `q3_fullName.first` · `patient.name[0].given[1]` · `answers[field.ref=given].text` (the first element whose `field.ref` is
//! `given`) · `answers[field.ref~part_?2].boolean` (whose `field.ref` matches a pattern) · `date of birth` (spaces are part
//! of a key) · `'odd.key'.value` (quoted where a key has `.`, `[`, `]` or a quote).

use std::str::Chars;

use regex::Regex;
use serde_json::Value;

/// A compiled path.
#[derive(Debug)]
pub(super) struct Path(Vec<Segment>);

#[derive(Debug)]
enum Segment {
    Key(String),
    Index(usize),
    Find { at: Path, test: Test },
}

#[derive(Debug)]
enum Test {
    Equals(String),
    Matches(Regex),
}

impl Test {
    fn holds(&self, value: &Value) -> bool {
        let is = |text: &str| match self {
            Self::Equals(wanted) => text == wanted,
            Self::Matches(pattern) => pattern.is_match(text),
        };
        match value {
            Value::String(text) => is(text),
            Value::Number(number) => is(&number.to_string()),
            Value::Bool(flag) => is(if *flag { "true" } else { "false" }),
            _ => false,
        }
    }
}

impl Path {
    /// Reads a path.
    ///
    /// # Errors
    /// Says what is wrong, quoting the path, which is the template's.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut parser = Parser { rest: text.chars() };
        let path = parser.path().and_then(|path| match parser.rest.next() {
            None => Ok(path),
            Some(c) => Err(format!("`{c}` where a path goes on with `.` or `[`")),
        });
        path.map_err(|what| format!("path `{text}`: {what}"))
    }

    /// The value at the path, or none if anything on the way is absent or of another type.
    pub(super) fn find<'v>(&self, form: &'v Value) -> Option<&'v Value> {
        self.0.iter().try_fold(form, |value, segment| match segment {
            Segment::Key(key) => value.as_object()?.get(key),
            Segment::Index(index) => value.as_array()?.get(*index),
            Segment::Find { at, test } => value
                .as_array()?
                .iter()
                .find(|element| at.find(element).is_some_and(|value| test.holds(value))),
        })
    }
}

struct Parser<'t> {
    rest: Chars<'t>,
}

impl Parser<'_> {
    /// Reads as far as a path goes.
    fn path(&mut self) -> Result<Path, String> {
        let mut segments = vec![Segment::Key(self.key()?)];
        loop {
            let segment = match self.peek() {
                Some('.') => self.skip(Self::key).map(Segment::Key)?,
                Some('[') => self.skip(Self::bracket)?,
                _ => return Ok(Path(segments)),
            };
            segments.push(segment);
        }
    }

    fn skip<T>(&mut self, then: impl FnOnce(&mut Self) -> Result<T, String>) -> Result<T, String> {
        self.rest.next();
        then(self)
    }

    fn peek(&self) -> Option<char> {
        self.rest.clone().next()
    }

    fn key(&mut self) -> Result<String, String> {
        if let Some(quote @ ('\'' | '"')) = self.peek() {
            return self.skip(|parser| parser.until(quote));
        }
        let mut key = String::new();
        while let Some(c) = self.peek() {
            match c {
                '.' | '[' | '=' | '~' => break,
                ']' | '\'' | '"' => return Err(format!("`{c}` in a key: quote the key")),
                _ => key.push(c),
            }
            self.rest.next();
        }
        if key.trim() != key || key.is_empty() {
            return Err("a key is empty, or begins or ends with a space".to_owned());
        }
        Ok(key)
    }

    fn until(&mut self, end: char) -> Result<String, String> {
        let mut text = String::new();
        loop {
            match self.rest.next() {
                Some(c) if c == end => return Ok(text),
                Some(c) => text.push(c),
                None => return Err(format!("`{end}` is missing")),
            }
        }
    }

    /// Up to the bracket that closes the pattern, which may have bracketed classes of its own.
    fn pattern(&mut self) -> Result<String, String> {
        let (mut text, mut open) = (String::new(), 0_usize);
        while let Some(c) = self.rest.next() {
            match c {
                ']' if open == 0 => return Ok(text),
                ']' => open -= 1,
                '[' => open += 1,
                _ => {}
            }
            text.push(c);
            if c == '\\' {
                text.extend(self.rest.next());
            }
        }
        Err("`]` is missing".to_owned())
    }

    fn bracket(&mut self) -> Result<Segment, String> {
        if self.peek().is_some_and(|c| c.is_ascii_digit()) {
            let digits = self.until(']')?;
            return digits.parse().map(Segment::Index).map_err(|_| format!("`[{digits}]` is no index"));
        }
        let at = self.path()?;
        let test = match self.rest.next() {
            Some('=') => Test::Equals(self.until(']')?),
            Some('~') => Test::Matches(Regex::new(&self.pattern()?).map_err(|error| error.to_string())?),
            _ => return Err("`[` wants an index, `path=value` or `path~pattern`".to_owned()),
        };
        Ok(Segment::Find { at, test })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::Path;

    #[test]
    fn finds_what_it_names() {
        let form = json!({
            "contact": [{"kind": [{"text": "friend"}]}, {"kind": [{"text": "guardian"}], "name": "J"}],
            "name": {"first": "A"}, "given": ["B", "C"], "date of birth": "D", "x.y": {"[z]": "E"},
            "answers": [7, {"field": {"ref": "n"}, "text": "F"}, {"field": {"ref": "m"}, "text": "G"}],
            "telecom": [{"system": "phone", "value": "H"}, {"rank": 2, "value": "I"}],
        });
        for (path, wanted) in [
            ("name.first", Some("A")),
            ("given[1]", Some("C")),
            ("given[2]", None),
            ("given.first", None),
            ("date of birth", Some("D")),
            ("'x.y'.\"[z]\"", Some("E")),
            ("answers[field.ref=m].text", Some("G")),
            ("answers[field.ref~^[mn]$].text", Some("F")),
            (r"answers[field.ref~^[^\]n]$].text", Some("G")),
            ("answers[field.ref=o].text", None),
            ("telecom[system=phone].value", Some("H")),
            ("telecom[rank=2].value", Some("I")),
            ("contact[kind[0].text=guardian].name", Some("J")),
            ("name[0]", None),
            ("name.first.more", None),
        ] {
            let path = Path::parse(path).unwrap();
            assert_eq!(path.find(&form).and_then(|v| v.as_str()), wanted, "{path:?}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        for bad in [
            "", ".a", "a.", "a..b", "a[", "a[x]", "a[1", "a[1x]", "a]", "'a", "'a'b", "a[b=c", "a[b~(]",
            " a", "a=b", "a[b[c=d]",
        ] {
            let error = Path::parse(bad).expect_err(bad);
            assert!(error.starts_with("path `"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn any_text_parses_or_is_refused(text in ".*") {
            let _ = Path::parse(&text);
        }

        #[test]
        fn a_quoted_key_is_found(key in "[^']{1,12}") {
            let path = Path::parse(&format!("'{key}'")).unwrap();
            let mut form = serde_json::Map::new();
            form.insert(key, json!(1));
            prop_assert!(path.find(&form.into()).is_some());
        }
    }
}
