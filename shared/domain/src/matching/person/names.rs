//! Comparing given and family names.

use std::collections::HashMap;

use strsim::jaro_winkler;

use super::NICKNAMES;
use crate::matching::{compare::one_typo, text::without_umlaut_e};

/// Generational suffixes: part of how a person is told from a parent of the same name.
const SUFFIXES: &[&str] = &["jr", "sr", "ii", "iii", "iv"];

/// Small words of family names: alone they make no two names alike (`de la Cruz`, `de la Vega`).
const PARTICLES: &[&str] = &[
    "al", "ben", "bin", "da", "das", "de", "del", "della", "den", "der", "di", "do", "dos", "du", "el",
    "ibn", "la", "las", "le", "los", "st", "ten", "ter", "van", "von", "y", "zu",
];

/// Jaro-Winkler similarity from which names count as nearly equal.
const NEAR: f64 = 0.92;

/// Splits a generational suffix off the end of a folded name.
pub(super) fn split_suffix(folded: &str) -> (&str, Option<&str>) {
    match folded.rsplit_once(' ') {
        Some((rest, last)) if SUFFIXES.contains(&last) => (rest, Some(last)),
        _ => (folded, None),
    }
}

/// Whether folded names are equal but for spaces (`mary ann`, `maryann`).
pub(super) fn equal(a: &str, b: &str) -> bool {
    a == b || letters(a).eq(letters(b))
}

fn equal_without_umlauts(a: &str, b: &str) -> bool {
    // The first letter stays: most names need no more than a look at it.
    a.chars().next() == b.chars().next() && equal(&without_umlaut_e(a), &without_umlaut_e(b))
}

fn letters(name: &str) -> impl Iterator<Item = char> {
    name.chars().filter(|c| *c != ' ')
}

/// How two family names agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Exact,
    /// One has a part of the other: `garcia`, `garcia lopez`.
    Part,
    Near,
    Different,
}

/// Compares folded family names.
pub(super) fn compare_family(a: &str, b: &str) -> Family {
    if equal(a, b) || equal_without_umlauts(a, b) {
        Family::Exact
    } else if within(a, b) || within(b, a) {
        Family::Part
    } else if near(a, b) {
        Family::Near
    } else {
        Family::Different
    }
}

/// Whether all of one name's words that are not particles are in the other.
fn within(part: &str, whole: &str) -> bool {
    let mut words = part.split(' ').filter(|word| !PARTICLES.contains(word)).peekable();
    words.peek().is_some() && words.all(|word| whole.split(' ').any(|other| other == word))
}

fn near(a: &str, b: &str) -> bool {
    let shortest = letters(a).count().min(letters(b).count());
    shortest >= 3 && (one_typo(a, b) || jaro_winkler(a, b) >= NEAR)
}

/// How two given names agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Given {
    Exact,
    /// A nickname, another way to write an umlaut, or one of several given names left out.
    Variant,
    Initial,
    Near,
    Different,
}

/// Given names that stand for one another.
pub(super) struct Nicknames(HashMap<&'static str, Vec<usize>>);

impl Nicknames {
    /// The bundled list: one group a line; a name may be in several.
    pub(super) fn bundled() -> Self {
        let mut groups: HashMap<&'static str, Vec<usize>> = HashMap::new();
        let lines = NICKNAMES.lines().filter(|line| !line.starts_with('#'));
        for (group, line) in lines.enumerate() {
            for name in line.split_whitespace() {
                groups.entry(name).or_default().push(group);
            }
        }
        Self(groups)
    }

    fn share_a_group(&self, a: &str, b: &str) -> bool {
        let groups = |name| self.0.get(name).map_or(&[][..], Vec::as_slice);
        groups(a).iter().any(|group| groups(b).contains(group))
    }

    /// Compares folded given names.
    pub(super) fn compare_given(&self, a: &str, b: &str) -> Given {
        if equal(a, b) {
            Given::Exact
        } else if equal_without_umlauts(a, b)
            || begins(a, b)
            || begins(b, a)
            || self.share_a_group(first_word(a), first_word(b))
        {
            Given::Variant
        } else if is_initial(a, b) || is_initial(b, a) {
            Given::Initial
        } else if near(a, b) {
            Given::Near
        } else {
            Given::Different
        }
    }
}

fn first_word(name: &str) -> &str {
    name.split(' ').next().unwrap_or(name)
}

/// Whether one name is the leading word or words of the other.
fn begins(part: &str, whole: &str) -> bool {
    letters(part).count() > 1 && whole.strip_prefix(part).is_some_and(|rest| rest.starts_with(' '))
}

fn is_initial(a: &str, b: &str) -> bool {
    a.chars().count() == 1 && b.starts_with(a)
}

#[cfg(test)]
mod tests {
    use super::{Family, Given, Nicknames, compare_family, split_suffix};

    #[test]
    fn family_names() {
        for (a, b, expected) in [
            ("muller", "mueller", Family::Exact),
            ("de la cruz", "delacruz", Family::Exact),
            ("garcia lopez", "garcia", Family::Part),
            ("de la cruz", "cruz", Family::Part),
            ("de la cruz", "de la vega", Family::Different),
            ("garcia lopez", "garcia perez", Family::Near),
            ("smith", "smyth", Family::Near),
            ("li", "le", Family::Different),
            ("jones", "smith", Family::Different),
        ] {
            assert_eq!(compare_family(a, b), expected, "{a} {b}");
            assert_eq!(compare_family(b, a), expected, "{b} {a}");
        }
    }

    #[test]
    fn given_names() {
        let nicknames = Nicknames::bundled();
        for (a, b, expected) in [
            ("jean luc", "jeanluc", Given::Exact),
            ("bob", "robert", Given::Variant),
            ("alex", "alexandra", Given::Variant),
            ("alexander", "alexandra", Given::Near),
            ("jorg", "joerg", Given::Variant),
            ("mary", "mary ann", Given::Variant),
            ("j", "john", Given::Initial),
            ("j", "james", Given::Initial),
            ("jayden", "hayden", Given::Near),
            ("john", "james", Given::Different),
        ] {
            assert_eq!(nicknames.compare_given(a, b), expected, "{a} {b}");
            assert_eq!(nicknames.compare_given(b, a), expected, "{b} {a}");
        }
    }

    #[test]
    fn suffixes() {
        assert_eq!(split_suffix("king jr"), ("king", Some("jr")));
        assert_eq!(split_suffix("king"), ("king", None));
        assert_eq!(split_suffix("jr"), ("jr", None));
    }
}
