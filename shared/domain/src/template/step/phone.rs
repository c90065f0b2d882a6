//! Phone numbers, in E.164 without extension.

use phonenumber::{Mode, country};

/// Digits of a number of the North American plan.
const NATIONAL: usize = 10;

/// A United States number in any usual writing, or a foreign one with its country code.
///
/// A number of the North American plan need only be *possible* (ten digits): its area codes change too often to hold a
/// patient up for one that this build does not know. A foreign number must be valid.
pub fn e164(text: &str) -> Option<String> {
    let number = phonenumber::parse(Some(country::US), text).ok()?;
    let written = number.format().mode(Mode::E164).to_string();
    let possible = match number.code().value() {
        1 => written.len() == "+1".len() + NATIONAL,
        _ => phonenumber::is_valid(&number),
    };
    possible.then_some(written)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::e164;

    #[test]
    fn one_number_in_its_usual_writings() {
        for text in [
            "(795) 555-0142",
            "7955550142",
            "+17955550142",
            "1.795.555.0142",
            "1.795.555.0142 x10",
            "1.795.555.0142 ext. 3",
            "795-555-0142",
            " 795 555 0142 ",
        ] {
            assert_eq!(e164(text).as_deref(), Some("+17955550142"), "{text}");
        }
    }

    #[test]
    fn others() {
        assert_eq!(e164("+44 20 7946 0958").as_deref(), Some("+442079460958"));
        for bad in ["", "n/a", "555-0142", "795555014", "79555501422", "+44 1", "jane@example.com"] {
            assert_eq!(e164(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".*") {
            let _ = e164(&text);
        }

        #[test]
        fn stable(area in 200_u32..1000, rest in 2_000_000_u32..10_000_000) {
            let number = format!("+1{area}{rest}");
            prop_assert_eq!(e164(&number), Some(number.clone()));
            let dotted = format!("1.{area}.{}.{:04} x7", rest / 10_000, rest % 10_000);
            prop_assert_eq!(e164(&dotted), Some(number));
        }
    }
}
