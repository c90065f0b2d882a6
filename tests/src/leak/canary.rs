//! What is planted: values of PHI that occur nowhere else, in the spellings that a form, the line or a partner may use.

use std::collections::BTreeSet;

use jiff::civil::Date;

/// One planted value. As good as a real one: no `Debug`, and nothing prints it.
#[derive(Clone)]
pub struct Canary {
    /// The path that its submission takes.
    pub path: String,
    /// The field that it stands in.
    pub field: &'static str,
    /// How it may be spelled. Each is long or odd enough to be nothing else.
    pub spellings: BTreeSet<String>,
}

impl Canary {
    /// A made-up word, alone or within something longer: a name, a street, the local part of an address, a word of a reason.
    pub fn word(path: &str, field: &'static str, word: &str) -> Self {
        let mut spellings = cases(word);
        spellings.extend(cases(&word.replace('é', "e")));
        Self { path: path.to_owned(), field, spellings }
    }

    /// A number of the North American plan, ten digits: bare, which E.164 and X12 contain, and as people write it.
    pub fn phone(path: &str, field: &'static str, digits: &str) -> Self {
        let (area, rest) = digits.split_at(digits.len().min(3));
        let (exchange, line) = rest.split_at(rest.len().min(3));
        let spellings = [
            digits.to_owned(),
            format!("({area}) {exchange}-{line}"),
            format!("{area}-{exchange}-{line}"),
            format!("{area}.{exchange}.{line}"),
            format!("{area} {exchange} {line}"),
        ];
        Self { path: path.to_owned(), field, spellings: spellings.into() }
    }

    /// A day of birth in a year in which nothing else happened. Eight bare digits may be part of any number: these are looked for only with what stands
    /// around them in a form or in X12.
    pub fn birth_date(path: &str, field: &'static str, date: Date) -> Self {
        let spelled = ["%Y-%m-%d", "%m/%d/%Y", "%-d-%b-%Y", "%d-%b-%Y", "D8*%Y%m%d", "\"%m%d%Y\""];
        let spellings = spelled.iter().map(|format| date.strftime(format).to_string()).collect();
        Self { path: path.to_owned(), field, spellings }
    }

    /// Its name in reports.
    pub fn name(&self) -> String {
        format!("{} of {}", self.field, self.path)
    }
}

/// As it is, in small letters, in capitals, and as a title: encodings tell them apart.
fn cases(word: &str) -> BTreeSet<String> {
    let (lower, upper) = (word.to_lowercase(), word.to_uppercase());
    let title = match (upper.chars().next(), lower.char_indices().nth(1)) {
        (Some(first), Some((rest, _))) => format!("{first}{}", lower.get(rest..).unwrap_or_default()),
        _ => upper.clone(),
    };
    BTreeSet::from([word.to_owned(), lower, upper, title])
}

#[cfg(test)]
mod tests {
    use super::Canary;

    #[test]
    fn words_are_looked_for_in_every_case_and_without_accents() {
        let canary = Canary::word("happy", "patient.family", "Zuviré");
        for spelling in ["Zuviré", "zuviré", "ZUVIRÉ", "ZUVIRE", "zuvire", "Zuvire"] {
            assert!(canary.spellings.contains(spelling), "{spelling}");
        }
        assert_eq!(canary.name(), "patient.family of happy");
    }

    #[test]
    fn numbers_and_days_are_looked_for_as_they_are_written() {
        let phone = Canary::phone("happy", "patient.phone", "7955550142");
        for spelling in ["7955550142", "(795) 555-0142", "795-555-0142", "795.555.0142"] {
            assert!(phone.spellings.contains(spelling), "{spelling}");
        }
        let day = Canary::birth_date("happy", "patient.birth_date", jiff::civil::date(1903, 4, 7));
        for spelling in ["1903-04-07", "04/07/1903", "7-Apr-1903", "D8*19030407", "\"04071903\""] {
            assert!(day.spellings.contains(spelling), "{spelling}");
        }
    }
}
