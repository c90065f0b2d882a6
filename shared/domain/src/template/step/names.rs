//! Names as people write them. Only text that is all in capitals (a kiosk's) is changed: nobody's own spelling is.

/// Where a particle such as `de` or `van` stays small.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Particles {
    /// Between other words: full and given names.
    Inside,
    /// At the beginning too: family names.
    First,
}

const PARTICLES: [&str; 18] = [
    "da", "de", "del", "della", "den", "der", "di", "dos", "du", "el", "la", "las", "los", "ten", "ter",
    "van", "von", "y",
];
/// Suffixes and degrees that stay in capitals, unless they are all there is.
const CAPITALS: [&str; 6] = ["II", "III", "IV", "MD", "DDS", "DVM"];

/// All-capital text with capitals where a name has them; other text as it is. Expects clean text. Idempotent.
pub(in super::super) fn title(text: &str, particles: Particles) -> String {
    if !text.chars().any(char::is_uppercase) || text.chars().any(char::is_lowercase) {
        return text.to_owned();
    }
    let words: Vec<&str> = text.split(' ').collect();
    let last = words.len().saturating_sub(1);
    let titled: Vec<String> = words
        .iter()
        .enumerate()
        .map(|(n, word)| {
            let small = small(word);
            let may_be_small = n < last && (n > 0 || particles == Particles::First);
            if may_be_small && PARTICLES.contains(&small.as_str()) {
                small
            } else if n > 0 && CAPITALS.contains(word) {
                (*word).to_owned()
            } else {
                word.split('-').map(part).collect::<Vec<_>>().join("-")
            }
        })
        .collect();
    titled.join(" ")
}

/// One part of a hyphenated word: `O'BRIEN` → `O'Brien`, `MCDONALD` → `McDonald`.
fn part(part: &str) -> String {
    if let Some((prefix, rest)) = part.split_once(['\'', '’'])
        && prefix.chars().count() == 1
    {
        let apostrophe = &part[prefix.len()..part.len() - rest.len()];
        return format!("{prefix}{apostrophe}{}", capital(rest));
    }
    match part.strip_prefix("MC") {
        Some(rest) if rest.chars().count() > 2 => format!("Mc{}", capital(rest)),
        _ => capital(part),
    }
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars
        .next()
        .map_or_else(String::new, |first| std::iter::once(first).collect::<String>() + &small(chars.as_str()))
}

fn small(word: &str) -> String {
    word.chars().flat_map(char::to_lowercase).collect()
}

/// Whether a name is only one letter, with or without a period.
pub(in super::super) fn is_initial(text: &str) -> bool {
    let text = text.trim();
    let mut letters = text.strip_suffix('.').unwrap_or(text).chars();
    letters.next().is_some_and(char::is_alphabetic) && letters.next().is_none()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::text::clean;
    use super::{Particles, title};

    #[test]
    fn capitals_become_names() {
        for (given, wanted) in [
            ("O'BRIEN", "O'Brien"),
            ("D’ARCY", "D’Arcy"),
            ("DE LA CRUZ", "de la Cruz"),
            ("VAN DER BERG", "van der Berg"),
            ("ST. JOHN", "St. John"),
            ("SMITH-JONES", "Smith-Jones"),
            ("GARCÍA-LÓPEZ", "García-López"),
            ("MÜLLER", "Müller"),
            ("NGUYỄN", "Nguyễn"),
            ("MCDONALD", "McDonald"),
            ("LE", "Le"),
            ("VAN", "Van"),
            ("JEAN-LUC", "Jean-Luc"),
            ("Q", "Q"),
        ] {
            assert_eq!(title(given, Particles::First), wanted);
        }
        assert_eq!(title("MARIA DE LA CRUZ DDS", Particles::Inside), "Maria de la Cruz DDS");
        assert_eq!(title("DI", Particles::Inside), "Di");
        assert_eq!(title("LA TOYA", Particles::Inside), "La Toya");
        assert_eq!(title("JOHN SMITH III", Particles::Inside), "John Smith III");
    }

    #[test]
    fn their_own_spelling_is_kept() {
        for name in ["MacLeod", "tamara", "van der Berg", "O'Brien", "Mcbride", "李", ""] {
            assert_eq!(title(name, Particles::First), name);
        }
    }

    proptest! {
        #[test]
        fn title_twice_is_title_once(text in "\\PC*", upper in "[A-ZÀ-Þ' .-]{0,30}") {
            for text in [clean(&text), clean(&upper)] {
                for particles in [Particles::Inside, Particles::First] {
                    let once = title(&text, particles);
                    prop_assert_eq!(title(&once, particles), once.clone());
                }
            }
        }

        #[test]
        fn only_case_changes(text in "[A-ZÀ-ÖØ-Þ' .-]{0,30}") {
            let text = clean(&text);
            prop_assert_eq!(title(&text, Particles::First).to_lowercase(), text.to_lowercase());
        }
    }
}
