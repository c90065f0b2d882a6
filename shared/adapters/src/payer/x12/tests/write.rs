//! The 270.

use domain::intake::Sex;
use jiff::civil::date;
use proptest::prelude::*;

use super::{asker, partners, stamp};
use crate::payer::{
    Holder, Inquiry,
    conformance::inquiry,
    x12::{interchange::Interchange, request::write},
};

/// Accepted by the validator that `tests/validate-270.sh` runs.
const SUBSCRIBER: &str = include_str!("../../../../tests/x12/270-subscriber.edi");
const DEPENDENT: &str = include_str!("../../../../tests/x12/270-dependent.edi");

fn subscriber() -> Inquiry {
    Inquiry {
        middle: Some("Q".to_owned()),
        given: "José*~:^ Ángel".to_owned(),
        ..inquiry("Aetna", "W123456789")
    }
}

fn dependent() -> Inquiry {
    Inquiry {
        birth_date: date(2015, 2, 28),
        sex: Sex::Other,
        organisation: Some("Port Petertown Behavioral Health".to_owned()),
        npi: Some("1993999998".to_owned()),
        holder: Some(Holder {
            given: "Yolanda".to_owned(),
            family: "O’Hara–Smith".to_owned(),
            birth_date: Some(date(1980, 1, 2)),
        }),
        ..inquiry("Blue Cross Blue Shield", "XYZ12")
    }
}

/// The files have a line for each segment, to be read by people; what is sent has none.
fn lines(text: &str) -> String {
    text.replace('~', "~\n")
}

#[test]
fn goldens() {
    let written = lines(&write(&subscriber(), &asker(), &partners(None), &stamp()));
    assert_eq!(written, SUBSCRIBER, "\n{written}");
    let written = lines(&write(&dependent(), &asker(), &partners(None), &stamp()));
    assert_eq!(written, DEPENDENT, "\n{written}");
}

#[test]
fn other_separators_say_the_same() {
    let usual = write(&dependent(), &asker(), &partners(None), &stamp());
    let other = write(&dependent(), &asker(), &partners(Some("|>!;")), &stamp());
    let back: String = other
        .chars()
        .map(|c| match c {
            '|' => '*',
            '>' => ':',
            '!' => '^',
            ';' => '~',
            other => other,
        })
        .collect();
    assert_eq!(back, usual);
}

proptest! {
    /// Whatever stands in the data, the structure stays: the same segments, each with elements where they belong.
    #[test]
    fn data_never_breaks_the_structure(
        family in any::<String>(), given in any::<String>(), member_id in "\\PC{0,100}", payer in any::<String>(),
        separators in prop::option::of(Just("|>!;")),
    ) {
        let inquiry = Inquiry { family, given, member_id, payer, ..subscriber() };
        let text = write(&inquiry, &asker(), &partners(separators), &stamp());
        prop_assert!(text.is_ascii());
        let interchange = Interchange::read(text.as_bytes()).unwrap();
        let segments: Vec<_> = interchange.segments().collect();
        let ids: Vec<_> = segments.iter().map(|segment| segment.id()).collect();
        prop_assert_eq!(ids, [
            "ISA", "GS", "ST", "BHT", "HL", "NM1", "HL", "NM1", "HL", "TRN", "NM1", "DMG", "DTP", "EQ", "SE", "GE", "IEA",
        ]);
        prop_assert_eq!(segments[14].get(1), "13");
        prop_assert_eq!(segments[10].get(8), "MI");
        prop_assert_eq!(segments[9].get(3).len(), 10);
        prop_assert!(segments[10].get(3).len() <= 60 && segments[10].get(4).len() <= 35);
    }
}
