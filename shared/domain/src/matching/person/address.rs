//! Street lines: abbreviations spelled one way, and the unit (apartment, suite, …) split off.

use crate::matching::text::fold;

/// Words that announce a unit within a building (USPS Publication 28, appendix C2, the common ones).
const UNIT_WORDS: &[&str] = &[
    "apt",
    "apartment",
    "suite",
    "ste",
    "unit",
    "room",
    "rm",
    "floor",
    "fl",
    "bldg",
    "building",
    "lot",
    "no",
];

/// Words of streets and directions with their usual abbreviations (USPS Publication 28, appendices B and C1).
const ABBREVIATIONS: &[(&str, &str)] = &[
    ("street", "st"),
    ("avenue", "ave"),
    ("av", "ave"),
    ("road", "rd"),
    ("drive", "dr"),
    ("lane", "ln"),
    ("court", "ct"),
    ("place", "pl"),
    ("boulevard", "blvd"),
    ("circle", "cir"),
    ("terrace", "ter"),
    ("highway", "hwy"),
    ("parkway", "pkwy"),
    ("square", "sq"),
    ("north", "n"),
    ("south", "s"),
    ("east", "e"),
    ("west", "w"),
];

/// A street line without its unit, and the unit.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// Folded, abbreviated; empty if the line held a unit only.
    pub(super) street: String,
    /// What follows the unit's word.
    pub(super) unit: Option<String>,
}

/// Normalises street lines. Idempotent: a normalised street is its own normal form.
pub(super) fn normalise(lines: &[String]) -> Line {
    // `#` announces a unit, but folding would drop it.
    let text = fold(&lines.join(" ").replace('#', " apt "));
    let mut words = text.split(' ').filter(|word| !word.is_empty()).map(abbreviate).collect::<Vec<_>>();
    let mut unit = Vec::new();
    // `Apt 9, 12 Main St`: a unit in front is the word and the one after it.
    while words.first().is_some_and(|word| UNIT_WORDS.contains(word)) {
        unit.extend(words.drain(..words.len().min(2)).skip(1));
    }
    // Behind the street, the unit is all that follows; a street has two words at least (`12 Lot Street` has no unit).
    let announced = words.iter().skip(2).position(|word| UNIT_WORDS.contains(word)).map(|place| place + 2);
    if let Some(place) = announced {
        unit.extend(words.drain(place..).filter(|word| !UNIT_WORDS.contains(word)));
    }
    Line { street: words.join(" "), unit: (!unit.is_empty()).then(|| unit.join(" ")) }
}

fn abbreviate(word: &str) -> &str {
    ABBREVIATIONS.iter().find(|(long, _)| *long == word).map_or(word, |(_, short)| short)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::normalise;

    fn line(text: &str) -> (String, Option<String>) {
        let line = normalise(&[text.to_owned()]);
        (line.street, line.unit)
    }

    #[test]
    fn units_are_split_off() {
        for (text, street, unit) in [
            ("836 Timothy Lakes", "836 timothy lakes", None),
            ("65993 Cameron Ridge Apt 9", "65993 cameron ridge", Some("9")),
            ("51899 JOHN BROOKS APT. 614", "51899 john brooks", Some("614")),
            ("9032 Michelle Union, Suite 011", "9032 michelle union", Some("011")),
            ("12 North Main Street #4b", "12 n main st", Some("4b")),
            ("Unit 9, 12 Main St.", "12 main st", Some("9")),
            ("1 Lot Lane", "1 lot ln", None),
            ("51 John Brooks Apt. 614 Apt 9", "51 john brooks", Some("614 9")),
            ("Apt 5", "", Some("5")),
            ("", "", None),
        ] {
            assert_eq!(line(text), (street.to_owned(), unit.map(str::to_owned)), "{text}");
        }
    }

    proptest! {
        #[test]
        fn normalising_twice_changes_nothing(text in "((apt|lot|north|12|main|street|#|no|x)[ ,.]){0,7}") {
            let (street, _) = line(&text);
            prop_assert_eq!(line(&street), (street, None));
        }
    }
}
