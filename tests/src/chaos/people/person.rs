//! Persons, all unique, and far apart: no two are alike to the matcher.

use jiff::civil::Date;
use testkit::sandbox::{Member, MemberStatus};

use super::dice::{About, Dice};

/// How many different persons there are.
pub const PERSONS: u32 = 1 << 22;

const CONSONANTS: [char; 16] =
    ['b', 'd', 'f', 'g', 'h', 'j', 'k', 'l', 'm', 'n', 'p', 'r', 's', 't', 'v', 'z'];
const VOWELS: [char; 4] = ['a', 'e', 'i', 'o'];
/// The payers by the names that every clinic knows.
const PAYERS: [&str; 7] =
    ["Aetna", "Blue Cross Blue Shield", "Cigna Health", "Humana", "Medicaid", "Medicare", "UnitedHealthcare"];
/// Days from 1930 to 2004: all adults.
const DAYS: u32 = 27_394;
/// Area codes are used in the order of their numbers; each hundred has 89, without 9 in the middle and without 11 at the end.
const AREAS_A_HUNDRED: u32 = 89;

/// A person. As good as a real one: no `Debug`.
#[derive(Clone)]
pub struct Person {
    /// From 0.
    pub number: u32,
    /// The place of the clinic in the list.
    pub clinic: usize,
    /// Given name.
    pub given: String,
    /// Family name.
    pub family: String,
    /// An adult's.
    pub birth_date: Date,
    /// Or male.
    pub female: bool,
    /// Ten digits.
    pub phone: String,
    /// Carries the number.
    pub email: String,
    /// The payer's identifier of the member.
    pub member_id: String,
    /// The payer's name.
    pub payer: &'static str,
    /// What the payer says.
    pub status: MemberStatus,
}

impl Person {
    /// The person of this number, below [`PERSONS`], of one of so many clinics.
    pub fn of(seed: u64, number: u32, clinics: usize) -> Self {
        let mut dice = Dice::of(seed, About::Person, number.into());
        let clinics = u32::try_from(clinics).unwrap_or(u32::MAX);
        // Odd factors: every number below a power of two has another product.
        let name = number.wrapping_mul(0x9E37_79B1) & 0x00FF_FFFF;
        let line = number.wrapping_mul(0x85EB_CA6B) & (PERSONS - 1);
        let day = i64::from(number % DAYS * 7_919 % DAYS);
        let given: [u32; 3] = std::array::from_fn(|_| dice.below(64));
        let status = match dice.below(100) {
            0..90 => MemberStatus::Active,
            90..96 => MemberStatus::Inactive,
            _ => MemberStatus::NotFound,
        };
        Self {
            number,
            clinic: usize::try_from(dice.below(clinics)).unwrap_or(0),
            given: word(given),
            family: word([0, 6, 12, 18].map(|shift| name >> shift & 63)),
            birth_date: jiff::civil::date(1930, 1, 1).saturating_add(jiff::Span::new().days(day)),
            female: dice.chance(500),
            phone: phone(line),
            email: format!("p{number:07}@example.com"),
            member_id: format!("C{number:09}"),
            payer: *dice.pick::<&str>(&PAYERS),
            status,
        }
    }

    /// Phone as the line writes it.
    pub fn e164(&self) -> String {
        format!("+1{}", self.phone)
    }

    /// What the payer knows.
    pub fn member(&self) -> Member {
        Member {
            member_id: self.member_id.clone(),
            payer: self.payer.to_owned(),
            status: self.status,
            first: self.given.clone(),
            last: self.family.clone(),
            birth_date: self.birth_date,
        }
    }
}

/// A word of syllables, each a number below 64.
pub(crate) fn word(syllables: impl IntoIterator<Item = u32>) -> String {
    let letter = |from: &[char], place: u32| from.get(usize::try_from(place).unwrap_or(0)).copied();
    let pairs = syllables.into_iter().map(|one| [letter(&CONSONANTS, one / 4), letter(&VOWELS, one % 4)]);
    let mut word: String = pairs.flatten().flatten().collect();
    if let Some(first) = word.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    word
}

/// Exchange 555 of ever other area codes: nobody's number.
fn phone(line: u32) -> String {
    let (area, line) = (line / 10_000, line % 10_000);
    let (hundred, rest) = (2 + area / AREAS_A_HUNDRED, area % AREAS_A_HUNDRED);
    let rest = if rest >= 11 { rest + 1 } else { rest };
    format!("{}555{line:04}", hundred * 100 + rest)
}
