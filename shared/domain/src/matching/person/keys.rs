//! Blocking keys: how a store finds the few records worth comparing, without seeing what is in them.

use std::collections::BTreeSet;

use super::record::PersonRecord;
use crate::{
    ClinicId,
    blind::{BlindIndex, IndexKey},
    matching::text::soundex,
};

/// A key before it is blinded: its kind and its two parts.
pub(super) type Key = (&'static str, String, String);

impl PersonRecord {
    /// The kinds of the keys that a person can be asked for by.
    pub(super) const PHONE: &str = "person.phone";
    pub(super) const EMAIL: &str = "person.email";

    /// The record's blind indexes at a clinic, each once, about seven: birth date with the sound of each word of the
    /// name; the whole name; phone; e-mail; member id. Records that share none are not worth comparing: the
    /// matcher says [`Different`](super::Verdict::Different) to them by definition.
    pub fn block_keys(&self, clinic: &ClinicId, key: &IndexKey) -> Vec<BlindIndex> {
        let blind = |(kind, a, b): Key| key.index(kind, &[clinic.as_str(), &a, &b]);
        self.keys().into_iter().map(blind).collect()
    }

    /// The keys in clear.
    pub(super) fn keys(&self) -> BTreeSet<Key> {
        let birth = self.birth_date.to_string();
        let mut words: Vec<&str> = self.words().collect();
        words.sort_unstable();
        let single = |kind, value: &Option<String>| value.clone().map(|value| (kind, value, String::new()));
        let sounds = words.iter().map(|word| ("person.birth-sound", birth.clone(), soundex(word)));
        sounds
            .chain([("person.name", words.join(" "), String::new())])
            .chain(single(Self::PHONE, &self.phone))
            .chain(single(Self::EMAIL, &self.email))
            .chain(single("person.member", &self.member_id))
            .collect()
    }

    /// The words of given and family name: in no order, since the two may be exchanged.
    fn words(&self) -> impl Iterator<Item = &str> {
        self.given.split(' ').chain(self.family.split(' ')).filter(|word| !word.is_empty())
    }
}
