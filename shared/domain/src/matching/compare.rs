//! Comparators: how much two folded, non-empty values of one field agree.

use serde::{Deserialize, Serialize};
use strsim::jaro_winkler;

/// How a field is compared. Each comparator has its own list of levels, from `exact` down to `different`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Comparator {
    /// Equal or not: codes.
    Exact,
    /// Words: equal; one typing error (a letter more, less, other, or two neighbours exchanged); similar (Jaro-Winkler at least 0.88).
    Text,
    /// Numbers that mean nothing, such as a house number or a social security number: equal; one typing error.
    Digits,
    /// Dates with eight digits (`YYYYMMDD`, separators ignored): equal; one digit other or two neighbours exchanged;
    /// day and month exchanged; two of year, month and day equal.
    Date,
}

/// Least Jaro-Winkler similarity of the level `similar`.
const SIMILAR: f64 = 0.88;

impl Comparator {
    /// The names of the levels, best first.
    pub const fn levels(self) -> &'static [&'static str] {
        match self {
            Self::Exact => &["exact", "different"],
            Self::Text => &["exact", "typo", "similar", "different"],
            Self::Digits => &["exact", "typo", "different"],
            Self::Date => &["exact", "typo", "exchanged", "partial", "different"],
        }
    }

    /// The level of the comparison, as an index into [`Comparator::levels`].
    pub fn compare(self, a: &str, b: &str) -> usize {
        if a == b {
            return 0;
        }
        match self {
            Self::Exact => 1,
            Self::Text if one_typo(a, b) => 1,
            Self::Text if similar(a, b) => 2,
            Self::Text => 3,
            Self::Digits if one_typo(a, b) => 1,
            Self::Digits => 2,
            Self::Date => compare_dates(a, b),
        }
    }
}

/// Whether one edit (insertion, deletion, substitution, exchange of neighbours) makes one of the other: whether their
/// optimal string alignment distance is one.
pub fn one_typo(a: &str, b: &str) -> bool {
    // What is left between the common beginning and the common end says it, without a matrix of distances.
    let mut a = a.chars();
    let mut b = b.chars();
    let same = |x: Option<char>, y: Option<char>| x.is_some() && x == y;
    while same(a.clone().next(), b.clone().next()) {
        a.next();
        b.next();
    }
    while same(a.clone().next_back(), b.clone().next_back()) {
        a.next_back();
        b.next_back();
    }
    let (left, right) = ((a.next(), a.next(), a.next()), (b.next(), b.next(), b.next()));
    match (left, right) {
        ((None, ..), (None, ..)) => false,
        ((_, None, _), (_, None, _)) => true,
        ((w, x, None), (y, z, None)) => w == z && x == y,
        _ => false,
    }
}

/// Whether the Jaro-Winkler similarity is at least [`SIMILAR`].
fn similar(a: &str, b: &str) -> bool {
    may_be_similar(a, b) && jaro_winkler(a, b) >= SIMILAR
}

/// A cheap bound that spares nearly all unequal pairs the similarity itself. The common prefix adds at most 0.4 of what
/// Jaro lacks of 1, so Jaro must reach 0.8; it is at most a third of `1 + m/|a| + m/|b|`, with at most `m` letters in common.
fn may_be_similar(a: &str, b: &str) -> bool {
    const LEAST: f64 = 3.0 * (SIMILAR - 0.4) / 0.6 - 1.0;
    if !(a.is_ascii() && b.is_ascii()) {
        return true;
    }
    // Letters that share a bucket are taken for equal: the bound stays a bound.
    let mut left = [0_u8; 32];
    for byte in a.bytes() {
        let bucket = &mut left[usize::from(byte & 31)];
        *bucket = bucket.saturating_add(1);
    }
    let mut common = 0_u32;
    for byte in b.bytes() {
        let bucket = &mut left[usize::from(byte & 31)];
        common += u32::from(*bucket > 0);
        *bucket = bucket.saturating_sub(1);
    }
    f64::from(common) * (1.0 / a.len() as f64 + 1.0 / b.len() as f64) >= LEAST - 1e-9
}

fn compare_dates(a: &str, b: &str) -> usize {
    let (a, b) = (date_digits(a), date_digits(b));
    let (Some(a), Some(b)) = (a, b) else { return if a == b { 3 } else { 4 } };
    let differing = (0..8).filter(|i| a[*i] != b[*i]).collect::<Vec<_>>();
    match differing[..] {
        [] => return 0,
        [_] => return 1,
        [i, j] if j == i + 1 && a[i] == b[j] && a[j] == b[i] => return 1,
        _ => {}
    }
    let same = |from: usize, to: usize| a[from..to] == b[from..to];
    if same(0, 4) && a[4..6] == b[6..8] && a[6..8] == b[4..6] {
        return 2;
    }
    let parts = [same(0, 4), same(4, 6), same(6, 8)];
    if parts.into_iter().filter(|same| *same).count() >= 2 { 3 } else { 4 }
}

fn date_digits(text: &str) -> Option<[u8; 8]> {
    let mut digits = text.bytes().filter(u8::is_ascii_digit);
    let mut out = [0; 8];
    for slot in &mut out {
        *slot = digits.next()?;
    }
    digits.next().is_none().then_some(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Comparator, SIMILAR, one_typo, similar};

    fn level(comparator: Comparator, a: &str, b: &str) -> &'static str {
        comparator.levels()[comparator.compare(a, b)]
    }

    #[test]
    fn levels_of_dates() {
        for (a, b, expected) in [
            ("19800412", "1980-04-12", "exact"),
            ("19800412", "19800413", "typo"),
            ("19800412", "19804012", "typo"),
            ("19570412", "19750412", "typo"),
            ("19800412", "19801204", "exchanged"),
            ("19800412", "19800429", "partial"),
            ("19500412", "19750412", "partial"),
            ("19800412", "19910730", "different"),
            ("19800412", "1980", "different"),
        ] {
            assert_eq!(level(Comparator::Date, a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn levels_of_text() {
        for (a, b, expected) in [
            ("hayden", "hayd en", "typo"),
            ("kilmartin", "kilmatrin", "typo"),
            ("macneil place", "macneilplace", "typo"),
            ("sidaway street", "sidawawytreet", "similar"),
            ("hefford", "cogzell", "different"),
        ] {
            assert_eq!(level(Comparator::Text, a, b), expected, "{a} {b}");
        }
        assert_eq!(level(Comparator::Digits, "4053", "4035"), "typo");
        assert_eq!(level(Comparator::Digits, "8141746", "3832827"), "different");
    }

    proptest! {
        #[test]
        fn short_cuts_change_nothing(a in "[a-dé ]{1,8}", b in "[a-dé ]{1,8}") {
            prop_assert_eq!(one_typo(&a, &b), strsim::osa_distance(&a, &b) == 1);
            prop_assert_eq!(similar(&a, &b), strsim::jaro_winkler(&a, &b) >= SIMILAR);
        }

        #[test]
        fn comparing_is_symmetric_and_in_range(a in "[a-c0-9é ]{1,9}", b in "[a-c0-9é ]{1,9}") {
            for comparator in [Comparator::Exact, Comparator::Text, Comparator::Digits, Comparator::Date] {
                let level = comparator.compare(&a, &b);
                prop_assert_eq!(level, comparator.compare(&b, &a));
                prop_assert!(level < comparator.levels().len());
                prop_assert_eq!(comparator.compare(&a, &a), 0);
            }
        }
    }
}
