//! Clean text.

use unicode_normalization::UnicodeNormalization;

/// NFC, without control and invisible characters, trimmed, inner white space single. Idempotent.
pub(in super::super) fn clean(text: &str) -> String {
    let visible: String = text
        .chars()
        .filter(|c| !is_invisible(*c))
        .map(|c| if c.is_control() || c.is_whitespace() { ' ' } else { c })
        .collect();
    let mut single = String::with_capacity(visible.len());
    for word in visible.split(' ').filter(|word| !word.is_empty()) {
        if !single.is_empty() {
            single.push(' ');
        }
        single.push_str(word);
    }
    single.nfc().collect()
}

/// Characters that a browser's clipboard brings and nobody sees: zero-width spaces, byte-order marks, direction marks.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// For comparing words: clean and in small letters.
pub(in super::super) fn folded(text: &str) -> String {
    clean(text).to_lowercase()
}

/// An e-mail address in small letters, if it can be one: a conservative reading of RFC 5321, which every relay takes.
pub(in super::super) fn email(text: &str) -> Option<String> {
    const MAX_LOCAL: usize = 64;
    const MAX: usize = 254;
    let address = folded(text);
    let (local, domain) = address.rsplit_once('@')?;
    let atom = |atom: &str| {
        !atom.is_empty() && atom.chars().all(|c| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c))
    };
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    let fits = local.len() <= MAX_LOCAL && address.len() <= MAX;
    (fits && local.split('.').all(atom) && domain.contains('.') && domain.split('.').all(label))
        .then_some(address)
}

/// Yes or no in words.
pub(in super::super) fn yes_no(text: &str) -> Option<bool> {
    match folded(text).as_str() {
        "yes" | "y" | "true" | "1" | "on" => Some(true),
        "no" | "n" | "false" | "0" | "off" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{clean, email, yes_no};

    #[test]
    fn cleans() {
        assert_eq!(clean("  Cha\u{200b}vez \t\n Jr "), "Chavez Jr");
        assert_eq!(clean("Rene\u{301}e"), "Renée");
        assert_eq!(clean("a\u{0}b"), "a b");
    }

    #[test]
    fn emails() {
        assert_eq!(email(" JASON.24198@EXAMPLE.COM ").as_deref(), Some("jason.24198@example.com"));
        assert_eq!(email("o'brien+x@mail.example.co.uk").as_deref(), Some("o'brien+x@mail.example.co.uk"));
        for bad in [
            "",
            "a",
            "@b.c",
            "a@",
            "a@b",
            "a b@c.d",
            "a@b..c",
            ".a@b.c",
            "a.@b.c",
            "a@-b.c",
            "a@b.c, d@e.f",
            "<a@b.c>",
            "none",
        ] {
            assert_eq!(email(bad), None, "{bad}");
        }
        assert_eq!(email(&format!("{}@b.c", "a".repeat(65))), None);
    }

    #[test]
    fn yes_and_no() {
        for (text, wanted) in [
            ("Yes", Some(true)),
            (" Y ", Some(true)),
            ("N", Some(false)),
            ("false", Some(false)),
            ("maybe", None),
        ] {
            assert_eq!(yes_no(text), wanted);
        }
    }

    proptest! {
        #[test]
        fn cleaning_twice_is_cleaning_once(text in ".*") {
            let once = clean(&text);
            prop_assert_eq!(&clean(&once), &once);
            prop_assert!(!once.starts_with(' ') && !once.ends_with(' ') && !once.contains("  "));
        }

        #[test]
        fn an_email_is_stable(local in "[a-zA-Z0-9]{1,10}(\\.[a-zA-Z0-9]{1,10})?", domain in "[a-z]{1,8}\\.[a-z]{2,4}") {
            let address = email(&format!("{local}@{domain}")).unwrap();
            let again = email(&address);
            prop_assert_eq!(again, Some(address));
        }
    }
}
