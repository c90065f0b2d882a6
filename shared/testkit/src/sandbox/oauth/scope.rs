//! SMART scopes, version 1 (`system/Patient.read`) and 2 (`system/Patient.crus`).

use std::collections::BTreeMap;

use crate::sandbox::store::Kind;

/// What a scope lets a client do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Right {
    Create,
    Read,
    Update,
    Search,
}

impl Right {
    const ALL: [Self; 4] = [Self::Create, Self::Read, Self::Update, Self::Search];

    const fn letter(self) -> char {
        match self {
            Self::Create => 'c',
            Self::Read => 'r',
            Self::Update => 'u',
            Self::Search => 's',
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// Rights by kind.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Scopes(BTreeMap<Kind, u8>);

impl Scopes {
    /// Reads scopes separated by spaces; what is not understood gives nothing.
    pub(crate) fn parse(text: &str) -> Self {
        let mut scopes = Self::default();
        for (name, rights) in text.split_whitespace().filter_map(one) {
            for kind in Kind::ALL {
                if name == "*" || name == kind.as_str() {
                    *scopes.0.entry(kind).or_default() |= rights;
                }
            }
        }
        scopes
    }

    pub(crate) fn allow(&self, kind: Kind, right: Right) -> bool {
        self.0.get(&kind).is_some_and(|rights| rights & right.bit() != 0)
    }

    /// What both give.
    pub(crate) fn and(&self, other: &Self) -> Self {
        let both =
            self.0.iter().map(|(kind, rights)| (*kind, rights & other.0.get(kind).copied().unwrap_or(0)));
        Self(both.filter(|(_, rights)| *rights != 0).collect())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// In version 2.
    pub(crate) fn text(&self) -> String {
        let one = |(kind, rights): (&Kind, &u8)| {
            let letters = Right::ALL.into_iter().filter(|right| rights & right.bit() != 0).map(Right::letter);
            format!("system/{}.{}", kind.as_str(), letters.collect::<String>())
        };
        self.0.iter().map(one).collect::<Vec<_>>().join(" ")
    }
}

fn one(scope: &str) -> Option<(&str, u8)> {
    let (name, rights) = scope.strip_prefix("system/")?.split_once('.')?;
    let letters = match rights {
        "read" => "rs",
        "write" => "cu",
        "*" => "crus",
        letters if letters.chars().all(|letter| "cruds".contains(letter)) => letters,
        _ => return None,
    };
    let bits = Right::ALL.into_iter().filter(|right| letters.contains(right.letter())).map(Right::bit);
    Some((name, bits.fold(0, |all, bit| all | bit)))
}

#[cfg(test)]
mod tests {
    use super::{Right, Scopes};
    use crate::sandbox::store::Kind;

    #[test]
    fn versions_one_and_two_mean_the_same() {
        let first = Scopes::parse("system/Patient.read system/Patient.write system/Slot.read");
        assert_eq!(first, Scopes::parse("system/Patient.crus system/Slot.rs"));
        assert_eq!(first.text(), "system/Patient.crus system/Slot.rs");
        assert!(!first.allow(Kind::Slot, Right::Update));
        assert!(!first.allow(Kind::Coverage, Right::Search));
    }

    #[test]
    fn nobody_gets_more_than_was_registered() {
        let granted =
            Scopes::parse("system/*.crus").and(&Scopes::parse("system/Patient.rs user/Slot.rs openid"));
        assert_eq!(granted.text(), "system/Patient.rs");
        assert!(Scopes::parse("system/Patient.rs").and(&Scopes::parse("system/Slot.rs")).is_empty());
    }
}
