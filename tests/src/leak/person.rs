//! Made-up people, no two alike, of whom every value can be told from everything else.

use jiff::civil::{Date, date};
use rand::{Rng as _, SeedableRng as _, rngs::ChaCha8Rng};

use super::canary::Canary;
use crate::chaos::people;

/// Area codes whose second digit is no 9 and that do not end in 11, in each hundred from the second on.
const AREAS: u32 = 8 * 89;

/// A person. As good as a real one: no `Debug`.
#[derive(Clone)]
pub struct Person {
    /// Given name.
    pub given: String,
    /// Middle name.
    pub middle: String,
    /// Family name, with an accent.
    pub family: String,
    /// Whoever acts for them.
    pub guardian: String,
    /// In a year in which nobody else was born.
    pub born: Date,
    /// Ten digits of a number that nobody has (555-01xx).
    pub phone: String,
    /// Mail address.
    pub email: String,
    /// Street line.
    pub street: String,
    /// City.
    pub city: String,
    /// The payer's identifier.
    pub member: String,
    /// The group's.
    pub group: String,
    /// What they complain of.
    pub reason: String,
    /// Who referred them.
    pub referrer: String,
    words: Vec<(&'static str, String)>,
}

impl Person {
    /// The person of this number.
    pub fn of(seed: u64, number: u32) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed.wrapping_mul(1 << 20).wrapping_add(u64::from(number)));
        let mut words = Vec::new();
        let mut word = |field: &'static str| {
            let syllables: [u32; 6] = std::array::from_fn(|_| rng.next_u32() % 64);
            let mut word = people::word(syllables);
            if field == "patient.family" {
                word = format!("{}é{}", &word[..5], &word[5..]);
            }
            words.push((field, word.clone()));
            word
        };
        let area = number.wrapping_mul(7) % AREAS;
        let (hundred, rest) = (2 + area / 89, area % 89);
        let rest = if rest >= 11 { rest + 1 } else { rest };
        let number_of_month = i8::try_from(number % 12).unwrap_or(0) + 1;
        let day = i8::try_from(number / 12 % 28).unwrap_or(0) + 1;
        let year = 1901 + i16::try_from(number / 336 % 9).unwrap_or(0);
        Self {
            given: word("patient.given"),
            middle: word("patient.middle"),
            family: word("patient.family"),
            guardian: format!("{} {}", word("guardian.given"), word("guardian.family")),
            born: date(year, number_of_month, day),
            phone: format!("{}55501{:02}", hundred * 100 + rest, number % 100),
            email: format!("{}@example.com", word("patient.email").to_lowercase()),
            street: format!("12 {} Lane", word("patient.address.lines")),
            city: word("patient.address.city"),
            member: word("coverage.member_id").to_uppercase(),
            group: word("coverage.group").to_uppercase(),
            reason: format!("Pain in the {} for three days", word("reason").to_lowercase()),
            referrer: format!("{} {} MD", word("referral.given"), word("referral.family")),
            words,
        }
    }

    /// Everything of them that is looked for, under the path's name.
    pub fn canaries(&self, path: &str) -> Vec<Canary> {
        let words = self.words.iter().map(|(field, word)| Canary::word(path, field, word));
        let phone = Canary::phone(path, "patient.phone", &self.phone);
        words.chain([phone, Canary::birth_date(path, "patient.birth_date", self.born)]).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::Person;

    #[test]
    fn no_two_people_share_a_value() {
        let mut seen = HashSet::new();
        for number in 0..300 {
            for canary in Person::of(7, number).canaries("x") {
                assert!(
                    canary.spellings.into_iter().all(|spelling| seen.insert(spelling)),
                    "{number}: {}",
                    canary.field
                );
            }
        }
    }

    #[test]
    fn a_value_is_as_the_line_takes_it() {
        let person = Person::of(7, 3);
        assert_eq!(person.phone.len(), 10);
        assert!(person.family.contains('é') && person.family.chars().next().is_some_and(char::is_uppercase));
        assert_eq!(Person::of(7, 3).family, person.family, "a seed means the same twice");
        assert_ne!(Person::of(8, 3).family, person.family);
    }
}
