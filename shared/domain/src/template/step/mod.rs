//! The named steps between a path and a field.

pub(super) mod names;
pub(super) mod phone;
pub(super) mod text;

use std::collections::BTreeMap;

use jiff::{Timestamp, civil, tz::TimeZone};
use regex::Regex;

use super::item::{Bad, Item};

/// One step, compiled.
#[derive(Debug)]
pub(super) enum Step {
    /// All-capital text as a name: `MARÍA DE LA CRUZ` → `María de la Cruz`.
    Name,
    /// The same for a family name, where a particle may stand first: `DE LA CRUZ` → `de la Cruz`.
    Surname,
    /// Only if it is more than one letter.
    NotInitial,
    /// Only if it is one letter, with or without a period.
    Initial,
    /// In capitals.
    Upper,
    /// In small letters.
    Lower,
    /// Without white space.
    NoSpaces,
    /// A date in one of these formats (strptime), as ISO 8601.
    Date(Vec<String>),
    /// A local date and time in one of these formats, as an instant.
    LocalTime(Vec<String>, TimeZone),
    /// The nth part, from the end if negative.
    Split { by: String, pick: isize },
    /// All parts, as a list.
    Lines(String),
    /// The pattern's first group, or all of it if it has none; nothing if it does not match.
    Capture(Regex),
    /// The word's meaning, by a table with small-letter keys; unknown words are unusable.
    Map(BTreeMap<String, String>),
    /// Yes, if the list has this (case does not matter); else nothing.
    Contains(String),
    /// Yes, if an element of the list matches; else nothing.
    Matches(Regex),
    /// This, if there is nothing.
    Default(String),
}

impl Step {
    /// Applies the step. Lists are taken element by element.
    ///
    /// # Errors
    /// [`Bad::Form`] if the value is not one that the step takes.
    pub(super) fn apply(&self, item: Item) -> Result<Item, Bad> {
        match (self, item) {
            (Self::Default(text), Item::Nothing) => Ok(Item::Text(text.clone())),
            (Self::Default(_), item) => Ok(item),
            (_, Item::Nothing) => Ok(Item::Nothing),
            (Self::Map(words), Item::Flag(flag)) => meaning(words, if flag { "true" } else { "false" }),
            (_, Item::Flag(_)) => Err(Bad::Form),
            (Self::Contains(wanted), item) => Ok(found(&item, |text| text::folded(text) == *wanted)),
            (Self::Matches(pattern), item) => Ok(found(&item, |text| pattern.is_match(text))),
            (_, Item::Text(text)) => self.text(text),
            (_, Item::List(texts)) => {
                let mut changed = Vec::with_capacity(texts.len());
                for text in texts {
                    match self.text(text)? {
                        Item::Nothing => {}
                        Item::Text(text) => changed.push(text),
                        Item::List(more) => changed.extend(more),
                        Item::Flag(_) => return Err(Bad::Form),
                    }
                }
                Ok(Item::list(changed))
            }
        }
    }

    fn text(&self, text: String) -> Result<Item, Bad> {
        let changed = match self {
            Self::Name => names::title(&text::clean(&text), names::Particles::Inside),
            Self::Surname => names::title(&text::clean(&text), names::Particles::First),
            Self::NotInitial if names::is_initial(&text) => return Ok(Item::Nothing),
            Self::Initial if !names::is_initial(&text) => return Ok(Item::Nothing),
            Self::Upper => text.to_uppercase(),
            Self::Lower => text.to_lowercase(),
            Self::NoSpaces => text.split_whitespace().collect(),
            Self::Date(formats) => date(&text, formats).ok_or(Bad::Form)?.to_string(),
            Self::LocalTime(formats, zone) => instant(&text, formats, zone).ok_or(Bad::Form)?.to_string(),
            Self::Split { by, pick } => return Ok(part(&text, by, *pick)),
            Self::Lines(by) => return Ok(Item::list(text.split(by.as_str()).map(str::to_owned).collect())),
            Self::Capture(pattern) => return Ok(capture(&text, pattern)),
            Self::Map(words) => return meaning(words, &text),
            Self::NotInitial | Self::Initial | Self::Contains(_) | Self::Matches(_) | Self::Default(_) => {
                text
            }
        };
        Ok(Item::text(changed))
    }
}

fn date(text: &str, formats: &[String]) -> Option<civil::Date> {
    formats.iter().find_map(|format| civil::Date::strptime(format, text.trim()).ok())
}

fn instant(text: &str, formats: &[String], zone: &TimeZone) -> Option<Timestamp> {
    let local = formats.iter().find_map(|format| civil::DateTime::strptime(format, text.trim()).ok())?;
    zone.to_ambiguous_timestamp(local).compatible().ok()
}

fn part(text: &str, by: &str, pick: isize) -> Item {
    let mut parts = text.split(by);
    let picked = match usize::try_from(pick) {
        Ok(n) => parts.nth(n),
        Err(_) => parts.collect::<Vec<_>>().into_iter().rev().nth(pick.unsigned_abs() - 1),
    };
    picked.map_or(Item::Nothing, |part| Item::text(part.trim().to_owned()))
}

fn capture(text: &str, pattern: &Regex) -> Item {
    let found = pattern.captures(text).and_then(|groups| groups.get(1).or_else(|| groups.get(0)));
    found.map_or(Item::Nothing, |found| Item::text(found.as_str().trim().to_owned()))
}

fn meaning(words: &BTreeMap<String, String>, text: &str) -> Result<Item, Bad> {
    words.get(&text::folded(text)).map(|word| Item::text(word.clone())).ok_or(Bad::Form)
}

fn found(item: &Item, is: impl Fn(&str) -> bool) -> Item {
    let any = match item {
        Item::Text(text) => is(text),
        Item::List(texts) => texts.iter().any(|text| is(text)),
        Item::Nothing | Item::Flag(_) => false,
    };
    if any { Item::Flag(true) } else { Item::Nothing }
}

#[cfg(test)]
mod tests {
    use jiff::{civil::Date, tz::TimeZone};
    use proptest::prelude::*;
    use regex::Regex;

    use super::{Bad, Item, Step};

    fn text(step: &Step, text: &str) -> Option<String> {
        match step.apply(Item::text(text.to_owned())) {
            Ok(Item::Text(text)) => Some(text),
            _ => None,
        }
    }

    #[test]
    fn dates_in_the_declared_formats_only() {
        let step = Step::Date(vec!["%m%d%Y".to_owned(), "%d-%b-%Y".to_owned(), "%Y-%m-%d".to_owned()]);
        for (given, wanted) in [
            ("09102016", Some("2016-09-10")),
            ("8-Dec-1982", Some("1982-12-08")),
            ("16-SEP-1973", Some("1973-09-16")),
            (" 1987-02-28 ", Some("1987-02-28")),
            ("1998-3-8", Some("1998-03-08")),
            ("1987-02-30", None),
            ("30-Feb-1987", None),
            ("02301987", None),
            ("1998--08", None),
            ("12/01/1998", None),
            ("soon", None),
        ] {
            assert_eq!(text(&step, given).as_deref(), wanted, "{given}");
        }
    }

    #[test]
    fn local_times_are_instants_of_the_clinic() {
        let zone = TimeZone::get("America/Denver").unwrap();
        let step = Step::LocalTime(vec!["%m/%d/%Y %I:%M %p".to_owned()], zone);
        assert_eq!(text(&step, "01/18/2027 09:40 AM").as_deref(), Some("2027-01-18T16:40:00Z"));
        assert_eq!(text(&step, "01/18/2027"), None);
    }

    #[test]
    fn parts_groups_and_lists() {
        let split = |pick| Step::Split { by: "/".to_owned(), pick };
        assert_eq!(text(&split(0), "Aetna / W1 / G2").as_deref(), Some("Aetna"));
        assert_eq!(text(&split(2), "Aetna / W1"), None);
        assert_eq!(text(&split(-1), "Aetna / W1").as_deref(), Some("W1"));
        assert_eq!(text(&split(-3), "Aetna / W1"), None);
        let zip = Step::Capture(Regex::new(r"(\d{5})$").unwrap());
        assert_eq!(text(&zip, "TN 72327").as_deref(), Some("72327"));
        assert_eq!(text(&zip, "TN"), None);
        let lines = Step::Lines(";".to_owned());
        assert!(
            lines.apply(Item::Text("a; ;b".to_owned()))
                == Ok(Item::List(vec!["a".to_owned(), "b".to_owned()]))
        );
    }

    #[test]
    fn words_and_lists_of_words() {
        let map =
            Step::Map([("f".to_owned(), "female".to_owned()), ("true".to_owned(), "yes".to_owned())].into());
        assert_eq!(text(&map, " F ").as_deref(), Some("female"));
        assert!(map.apply(Item::Text("x".to_owned())) == Err(Bad::Form));
        assert!(map.apply(Item::Flag(true)) == Ok(Item::Text("yes".to_owned())));
        let list = || Item::List(vec!["Treatment".to_owned(), "sms".to_owned()]);
        assert!(Step::Contains("treatment".to_owned()).apply(list()) == Ok(Item::Flag(true)));
        assert!(Step::Contains("email".to_owned()).apply(list()) == Ok(Item::Nothing));
        assert!(Step::Matches(Regex::new("(?i)^treat").unwrap()).apply(list()) == Ok(Item::Flag(true)));
        assert!(Step::Default("x".to_owned()).apply(Item::Nothing) == Ok(Item::Text("x".to_owned())));
    }

    #[test]
    fn initials() {
        for (given, is) in [("H", true), ("h.", true), ("É", true), ("Jo", false), ("H.J", false)] {
            assert_eq!(text(&Step::Initial, given).is_some(), is, "{given}");
            assert_eq!(text(&Step::NotInitial, given).is_some(), !is, "{given}");
        }
    }

    proptest! {
        #[test]
        fn dates_come_back(days in 0_i32..60_000) {
            let date = Date::constant(1875, 1, 1).checked_add(jiff::Span::new().days(days)).unwrap();
            for format in ["%m%d%Y", "%d-%b-%Y", "%Y-%m-%d", "%m/%d/%Y"] {
                let step = Step::Date(vec![format.to_owned()]);
                let written = date.strftime(format).to_string();
                prop_assert_eq!(text(&step, &written), Some(date.to_string()));
            }
        }

        #[test]
        fn no_step_panics(given in ".*", pick in -4_isize..4) {
            let zone = TimeZone::UTC;
            for step in [
                Step::Name, Step::Surname, Step::Initial, Step::NotInitial, Step::Upper, Step::Lower, Step::NoSpaces,
                Step::Date(vec!["%m%d%Y".to_owned(), "%d-%b-%Y".to_owned()]),
                Step::LocalTime(vec!["%Y-%m-%d %H:%M".to_owned()], zone),
                Step::Split { by: ",".to_owned(), pick }, Step::Lines("\n".to_owned()),
                Step::Capture(Regex::new(r"(\w+)\s*$").unwrap()),
            ] {
                let _ = step.apply(Item::Text(given.clone()));
                let _ = step.apply(Item::List(vec![given.clone(), String::new()]));
            }
        }
    }
}
