//! From two person records to agreement levels, in the order of the written weights.

use super::{
    names::{Family, Given, Nicknames, compare_family, equal},
    record::PersonRecord,
};
use crate::{
    intake::Sex,
    matching::{
        compare::{Comparator, one_typo},
        pattern::Pattern,
    },
};

/// The fields and their levels, best first: the written weights must have exactly these.
pub(super) const FIELDS: &[(&str, &[&str])] = &[
    ("given", &["exact", "crossed", "variant", "initial", "near", "different"]),
    ("middle", &["exact", "initial", "different"]),
    ("family", &["exact", "crossed", "part", "near", "different"]),
    ("birth_date", Comparator::Date.levels()),
    ("sex", &["exact", "different"]),
    ("phone", &["exact", "typo", "different"]),
    ("email", &["exact", "typo", "different"]),
    ("address", &["exact", "building", "near", "different"]),
    ("member_id", &["exact", "typo", "different"]),
];

/// What two records have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Likeness {
    pub(super) given: Given,
    pub(super) family: Family,
    /// Given name of one is family name of the other, both ways.
    pub(super) crossed: bool,
    /// Level in [`FIELDS`]; `None` is missing.
    pub(super) middle: Option<usize>,
    /// Level of [`Comparator::Date`].
    pub(super) birth_date: usize,
    pub(super) sex: Option<usize>,
    pub(super) phone: Option<usize>,
    pub(super) email: Option<usize>,
    pub(super) address: Option<usize>,
    pub(super) member_id: Option<usize>,
    /// Both have a generational suffix, and they differ.
    pub(super) suffix_conflict: bool,
}

impl Likeness {
    /// Compares two records.
    pub(super) fn of(a: &PersonRecord, b: &PersonRecord, nicknames: &Nicknames) -> Self {
        let given = match nicknames.compare_given(&a.given, &b.given) {
            // `Mary Jane` without, `Mary` with the middle name `Jane`.
            Given::Variant if equal(&a.given_and_middle(), &b.given_and_middle()) => Given::Exact,
            given => given,
        };
        let family = compare_family(&a.family, &b.family);
        let agree = given == Given::Exact && family == Family::Exact;
        Self {
            given,
            family,
            crossed: !agree && equal(&a.given, &b.family) && equal(&a.family, &b.given),
            middle: both(a.middle.as_ref(), b.middle.as_ref()).map(|(a, b)| middle(a, b)),
            birth_date: Comparator::Date.compare(&a.birth_date.to_string(), &b.birth_date.to_string()),
            sex: (a.sex != Sex::Unknown && b.sex != Sex::Unknown).then_some(usize::from(a.sex != b.sex)),
            phone: both(a.phone.as_ref(), b.phone.as_ref()).map(|(a, b)| number(a, b)),
            email: both(a.email.as_ref(), b.email.as_ref()).map(|(a, b)| number(a, b)),
            address: address(a, b),
            member_id: both(a.member_id.as_ref(), b.member_id.as_ref()).map(|(a, b)| number(a, b)),
            suffix_conflict: both(a.suffix.as_ref(), b.suffix.as_ref()).is_some_and(|(a, b)| a != b),
        }
    }

    /// The likeness as a pattern over [`FIELDS`].
    pub(super) fn pattern(&self) -> Pattern {
        let given = match self.given {
            _ if self.crossed => 1,
            Given::Exact => 0,
            Given::Variant => 2,
            Given::Initial => 3,
            Given::Near => 4,
            Given::Different => 5,
        };
        let family = match self.family {
            _ if self.crossed => 1,
            Family::Exact => 0,
            Family::Part => 2,
            Family::Near => 3,
            Family::Different => 4,
        };
        let levels = [
            Some(given),
            self.middle,
            Some(family),
            Some(self.birth_date),
            self.sex,
            self.phone,
            self.email,
            self.address,
            self.member_id,
        ];
        levels.into_iter().enumerate().fold(Pattern::MISSING, |pattern, (field, level)| match level {
            Some(level) => pattern.with(field, level),
            None => pattern,
        })
    }
}

impl PersonRecord {
    fn given_and_middle(&self) -> String {
        format!("{}{}", self.given, self.middle.as_deref().unwrap_or_default())
    }
}

fn both<T>(a: Option<T>, b: Option<T>) -> Option<(T, T)> {
    a.zip(b)
}

fn middle(a: &str, b: &str) -> usize {
    let initial = |short: &str, long: &str| short.chars().count() == 1 && long.starts_with(short);
    if equal(a, b) {
        0
    } else if initial(a, b) || initial(b, a) {
        1
    } else {
        2
    }
}

fn number(a: &str, b: &str) -> usize {
    Comparator::Digits.compare(a, b)
}

fn address(a: &PersonRecord, b: &PersonRecord) -> Option<usize> {
    let (street_a, street_b) = both(a.street.as_ref(), b.street.as_ref())?;
    let same_place = both(a.postal_code.as_ref(), b.postal_code.as_ref()).is_none_or(|(a, b)| a == b);
    let same_unit = both(a.unit.as_ref(), b.unit.as_ref()).is_none_or(|(a, b)| a == b);
    let same_street = equal(street_a, street_b);
    Some(match (same_street, same_place, same_unit) {
        (true, true, true) => 0,
        (true, true, false) => 1,
        (true, false, _) => 2,
        (false, true, _) if one_typo(street_a, street_b) => 2,
        _ => 3,
    })
}
