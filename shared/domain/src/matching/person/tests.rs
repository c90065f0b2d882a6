//! What the matcher says to the situations that a front desk knows.

use std::collections::BTreeSet;

use jiff::{Timestamp, civil::Date};
use proptest::prelude::*;

use super::{Matcher, PersonRecord, Verdict};
use crate::{
    ClinicId,
    blind::IndexKey,
    intake::{
        Address, AppointmentRequest, Communication, Consents, Coverage, Intake, Patient, Sex, VisitKind,
    },
};

mod samples;

fn intake() -> Intake {
    Intake {
        patient: Patient {
            given: "Katharina".to_owned(),
            middle: None,
            family: "Müller".to_owned(),
            birth_date: Date::constant(1984, 3, 12),
            sex: Sex::Female,
            phone: Some("+18595550112".to_owned()),
            email: Some("k.muller@example.com".to_owned()),
            address: Some(Address {
                lines: vec!["836 Timothy Lakes".to_owned()],
                city: "New Robert".to_owned(),
                state: "MN".to_owned(),
                postal_code: "47266".to_owned(),
            }),
        },
        guardian: None,
        coverage: Some(Coverage {
            payer: "Aetna".to_owned(),
            member_id: "C953159758".to_owned(),
            group: None,
        }),
        appointment: AppointmentRequest {
            kind: VisitKind::FollowUp,
            provider: "prov-1".to_owned(),
            start: Timestamp::UNIX_EPOCH,
        },
        consents: Consents::default(),
        reason: None,
        communication: Communication::default(),
        referral: None,
    }
}

/// A record that differs from the others' in what the edit changes.
fn record(edit: impl FnOnce(&mut Patient)) -> PersonRecord {
    let mut intake = intake();
    edit(&mut intake.patient);
    PersonRecord::from(&intake)
}

fn named(given: &str, family: &str) -> PersonRecord {
    record(|p| (p.given, p.family) = (given.to_owned(), family.to_owned()))
}

/// Other phone, e-mail, address and insurance.
fn elsewhere(edit: impl FnOnce(&mut Patient)) -> PersonRecord {
    let mut intake = intake();
    intake.coverage = None;
    intake.patient.phone = Some("+13125550100".to_owned());
    intake.patient.email = Some("x@example.org".to_owned());
    intake.patient.address = Some(Address {
        lines: vec!["1 Ocean Drive".to_owned()],
        city: "Miami".to_owned(),
        state: "FL".to_owned(),
        postal_code: "33139".to_owned(),
    });
    edit(&mut intake.patient);
    PersonRecord::from(&intake)
}

fn verdict(a: &PersonRecord, b: &PersonRecord) -> Verdict {
    let matcher = Matcher::bundled().unwrap();
    let (there, back) = (matcher.assess(a, b), matcher.assess(b, a));
    assert_eq!(there, back, "not symmetric");
    if there.verdict != Verdict::Different {
        assert!(share_a_key(a, b), "a pair that is worth a decision would not be found");
    }
    there.verdict
}

fn share_a_key(a: &PersonRecord, b: &PersonRecord) -> bool {
    let (clinic, key) = (ClinicId::parse("clinic-01").unwrap(), IndexKey::new(&[7; 32]));
    let keys = |record: &PersonRecord| record.block_keys(&clinic, &key).into_iter().collect::<BTreeSet<_>>();
    !keys(a).is_disjoint(&keys(b))
}

#[test]
fn the_same_person_spelled_differently_is_the_same() {
    let known = record(|_| ());
    for other in [
        named("KATHARINA", "MUELLER"),
        named(" katharina ", "Muller"),
        record(|p| p.email = Some("K.Muller@Example.com".to_owned())),
        record(|p| p.phone = None),
        record(|p| p.email = None),
        record(|p| (p.email, p.phone) = (None, None)),
        record(|p| p.middle = Some("Q".to_owned())),
        record(|p| p.address.iter_mut().for_each(|a| a.lines.push("Apt 9".to_owned()))),
        record(|p| p.address = None),
        named("Katharina", "Muler"),
        named("Katharina", "Müller-Schmidt"),
        named("Müller", "Katharina"),
        elsewhere(|p| p.phone = known.phone.clone()),
    ] {
        assert_eq!(verdict(&known, &other), Verdict::Same);
    }
    let vietnamese = named("Nguyễn", "Thị Ánh");
    assert_eq!(verdict(&vietnamese, &named("NGUYEN", "THI ANH")), Verdict::Same);
    assert_eq!(verdict(&vietnamese, &named("Thi Anh", "Nguyen")), Verdict::Same);
    let two_names = named("Mary Jane", "Watson");
    assert_eq!(verdict(&two_names, &named("Mary-Jane", "Watson")), Verdict::Same);
    let middle = record(|p| {
        (p.given, p.middle, p.family) = ("Mary".to_owned(), Some("Jane".to_owned()), "Watson".to_owned());
    });
    assert_eq!(verdict(&two_names, &middle), Verdict::Same);
}

#[test]
fn another_given_name_is_never_the_same() {
    let known = record(|_| ());
    for (given, expected) in [
        ("Sophie", Verdict::Doubtful),
        ("Katherina", Verdict::Doubtful),
        ("Kathy", Verdict::Doubtful),
        ("K", Verdict::Doubtful),
        ("Katharina Maria", Verdict::Doubtful),
    ] {
        assert_eq!(verdict(&known, &named(given, "Müller")), expected, "{given}");
    }
    // Twins with names one letter apart, and with one given name in common.
    assert_eq!(verdict(&named("Jayden", "King"), &named("Hayden", "King")), Verdict::Doubtful);
    let mary = |middle: &str| record(|p| (p.given, p.middle) = ("Mary".to_owned(), Some(middle.to_owned())));
    assert_eq!(verdict(&mary("Ann"), &mary("Beth")), Verdict::Doubtful);
    assert_eq!(verdict(&mary("Ann"), &mary("A")), Verdict::Same);
}

#[test]
fn another_birth_date_is_never_the_same() {
    let known = record(|_| ());
    let born = |year, month, day| record(|p| p.birth_date = Date::constant(year, month, day));
    for (other, expected) in [
        (born(1984, 3, 13), Verdict::Doubtful),
        (born(1984, 3, 21), Verdict::Doubtful),
        (born(1984, 12, 3), Verdict::Doubtful),
        (born(1948, 3, 12), Verdict::Doubtful),
        // Senior and junior, or a birth date that was made up: a person knows.
        (born(1959, 8, 30), Verdict::Doubtful),
    ] {
        assert_eq!(verdict(&known, &other), expected);
    }
    let suffixed = |suffix: &str, year| {
        record(|p| {
            p.family = format!("King {suffix}");
            p.birth_date = Date::constant(year, 3, 12);
        })
    };
    assert_eq!(verdict(&suffixed("Sr.", 1954), &suffixed("Jr.", 1984)), Verdict::Different);
    assert_eq!(verdict(&suffixed("Sr.", 1984), &suffixed("Jr.", 1984)), Verdict::Doubtful);
}

#[test]
fn a_changed_family_name_is_doubtful() {
    let known = record(|_| ());
    assert_eq!(verdict(&known, &named("Katharina", "Schmidt")), Verdict::Doubtful);
    let moved = elsewhere(|p| p.family = "Schmidt".to_owned());
    assert_eq!(verdict(&known, &moved), Verdict::Different);
}

#[test]
fn shared_contact_data_make_no_person() {
    let known = record(|_| ());
    let family = |given: &str, year, month, day| {
        record(|p| (p.given, p.birth_date) = (given.to_owned(), Date::constant(year, month, day)))
    };
    // Parent and child, siblings, spouses, housemates.
    assert_eq!(verdict(&known, &family("Jonas", 2012, 7, 1)), Verdict::Different);
    assert_eq!(verdict(&known, &family("Sophie", 1984, 3, 13)), Verdict::Different);
    assert_eq!(verdict(&known, &family("Sophie", 1986, 3, 12)), Verdict::Different);
    assert_eq!(verdict(&known, &named("Rajesh", "Patel")), Verdict::Different);
    let in_law = record(|p| (p.family, p.birth_date) = ("Lopez".to_owned(), Date::constant(1960, 1, 1)));
    assert_eq!(verdict(&known, &in_law), Verdict::Different);
}

#[test]
fn names_and_birth_date_alone_are_doubtful() {
    let bare = |given: &str, day| {
        let mut intake = intake();
        intake.coverage = None;
        let p = &mut intake.patient;
        (p.phone, p.email, p.address) = (None, None, None);
        (p.given, p.birth_date) = (given.to_owned(), Date::constant(1984, 3, day));
        PersonRecord::from(&intake)
    };
    let known = record(|_| ());
    assert_eq!(verdict(&bare("Katharina", 12), &bare("Katharina", 12)), Verdict::Doubtful);
    assert_eq!(verdict(&known, &bare("Katharina", 12)), Verdict::Doubtful);
    assert_eq!(verdict(&known, &elsewhere(|_| ())), Verdict::Doubtful);
    assert_eq!(verdict(&known, &bare("Katharina", 13)), Verdict::Doubtful);
    assert_eq!(verdict(&known, &bare("Sophie", 12)), Verdict::Different);
    let near = elsewhere(|p| (p.given, p.birth_date) = ("Sophie".to_owned(), Date::constant(1984, 3, 13)));
    assert_eq!(verdict(&known, &near), Verdict::Different);
    let namesake = elsewhere(|p| p.birth_date = Date::constant(1971, 9, 30));
    assert_eq!(verdict(&known, &namesake), Verdict::Different);
}

#[test]
fn keys_are_few_and_of_one_clinic() {
    let (key, here) = (IndexKey::new(&[7; 32]), ClinicId::parse("clinic-01").unwrap());
    let there = ClinicId::parse("clinic-02").unwrap();
    let known = record(|_| ());
    let keys = known.block_keys(&here, &key);
    assert_eq!(keys.len(), 6);
    assert!(known.block_keys(&there, &key).iter().all(|index| !keys.contains(index)));
}

#[test]
fn a_record_is_stored_and_read() {
    let known = record(|p| p.middle = Some("Q".to_owned()));
    let text = serde_json::to_string(&known).unwrap();
    assert!(serde_json::from_str::<PersonRecord>(&text).unwrap() == known);
}

proptest! {
    #[test]
    fn a_record_with_contact_data_is_the_same_as_itself_however_it_is_spelled(
        given in "[A-Z][a-zéü]{1,8}( [A-Z][a-z]{2,6})?", family in "[A-Z][a-zñö]{1,9}(-[A-Z][a-z]{2,6})?",
        phone in "\\+1[2-9][0-9]{9}", day in 1_i8..=28,
    ) {
        let birth_date = Date::new(1990, 6, day).unwrap();
        let plain = elsewhere(|p| {
            (p.given, p.family, p.birth_date) = (given.clone(), family.clone(), birth_date);
            p.phone = Some(phone.clone());
        });
        let loud = record(|p| {
            (p.given, p.family) = (format!(" {}", given.to_uppercase()), family.to_uppercase().replace('-', "  "));
            (p.birth_date, p.phone) = (birth_date, Some(phone.clone()));
        });
        prop_assert_eq!(verdict(&plain, &plain), Verdict::Same);
        prop_assert_eq!(verdict(&plain, &loud), Verdict::Same);
    }

    /// Symmetry, and that a pair worth a decision is found, over typical edits: `verdict` asserts both.
    #[test]
    fn no_edit_hides_a_pair_or_makes_two_persons_one(
        given in prop::sample::select(vec!["Katharina", "Katarina", "Kathy", "Sophie", "K", "Katharina Eva"]),
        family in prop::sample::select(vec!["Müller", "Mueller", "Muler", "Schmidt", "Müller-Schmidt"]),
        crossed in any::<bool>(), day in 11_i8..=13, month in 3_i8..=4, moved in any::<bool>(), phone in any::<bool>(),
    ) {
        let known = record(|_| ());
        let birth_date = Date::new(1984, month, day).unwrap();
        let edit = |p: &mut Patient| {
            let (first, last) = if crossed { (family, given) } else { (given, family) };
            (p.given, p.family) = (first.to_owned(), last.to_owned());
            p.birth_date = birth_date;
            if !phone {
                p.phone = None;
            }
        };
        let other = if moved { elsewhere(edit) } else { record(edit) };
        if verdict(&known, &other) == Verdict::Same {
            prop_assert!(given == "Katharina" && family != "Schmidt" && birth_date == known.birth_date);
        }
    }
}
