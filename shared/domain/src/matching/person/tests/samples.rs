//! The written weights against sample persons.

use std::collections::BTreeMap;

use super::intake;
use crate::{
    intake::Sex,
    matching::{
        Model,
        person::{Matcher, PersonRecord, Verdict, WEIGHTS, estimate},
    },
};

/// A row of `data/persons.csv`: one whole sample clinic, and from the others the persons that come again.
struct Sample {
    clinic: String,
    person: String,
    /// The person, or whose twin they are.
    family: String,
    twin: bool,
    /// The birth date is off by a digit of the day.
    day: bool,
    record: PersonRecord,
}

fn samples() -> Vec<Sample> {
    let row = |row: csv::Result<csv::StringRecord>| {
        let row = row.unwrap();
        let text = |place: usize| row[place].to_owned();
        let mut intake = intake();
        let p = &mut intake.patient;
        (p.given, p.middle, p.family) = (text(4), Some(text(5)), text(6));
        p.birth_date = text(7).parse().unwrap();
        p.sex = if &row[8] == "male" { Sex::Male } else { Sex::Female };
        (p.phone, p.email) = (Some(text(9)), Some(text(10)));
        let address = p.address.as_mut().unwrap();
        (address.lines, address.postal_code) = (vec![text(11)], text(12));
        intake.coverage.as_mut().unwrap().member_id = text(13);
        Sample {
            clinic: text(0),
            person: text(1),
            family: if row[3].is_empty() { text(1) } else { text(3) },
            twin: &row[2] == "twin",
            day: &row[2] == "day",
            record: PersonRecord::from(&intake),
        }
    };
    let text = include_str!("../../../../data/persons.csv");
    csv::Reader::from_reader(text.as_bytes()).records().map(row).collect()
}

#[test]
fn the_sample_persons_are_told_apart() {
    let (matcher, samples) = (Matcher::bundled().unwrap(), samples());
    let mut seen = BTreeMap::<(&str, Verdict), u32>::new();
    for (place, a) in samples.iter().enumerate() {
        for b in samples[place + 1..].iter().filter(|b| b.clinic == a.clinic) {
            let kind = match a.person == b.person {
                true if a.day != b.day => "birth date off by a digit",
                true => "same person",
                false if (a.twin || b.twin) && a.family == b.family => "twin",
                false => "other person",
            };
            *seen.entry((kind, matcher.compare(&a.record, &b.record))).or_default() += 1;
        }
    }
    let kinds = seen.into_keys().collect::<Vec<_>>();
    let expected = [
        ("birth date off by a digit", Verdict::Doubtful),
        ("other person", Verdict::Different),
        ("same person", Verdict::Same),
        ("twin", Verdict::Doubtful),
    ];
    assert_eq!(kinds, expected);
}

#[test]
fn the_written_weights_agree_with_an_estimate() {
    let written = Model::from_toml(WEIGHTS).unwrap();
    let records: Vec<_> = samples().into_iter().map(|sample| sample.record).collect();
    let estimate = estimate(&records).unwrap();
    assert!(estimate.converged);
    assert!(Matcher::new(estimate.model.clone()).is_ok());
    for (written, estimated) in written.fields.iter().zip(&estimate.model.fields) {
        let contact = ["phone", "email", "address", "member_id"].contains(&written.name.as_str());
        for (level, seen) in written.levels.iter().zip(&estimated.levels) {
            let factor = level.u / seen.u;
            let (field, name) = (&written.name, &level.name);
            // What the samples do not show was written by judgement; families share contact data more than the samples'.
            if seen.u > 5e-5 {
                assert!(factor > 0.25 && (contact || factor < 4.0), "{field} {name} {factor}");
            }
        }
        let ends = [&written.levels, &estimated.levels].map(|levels| {
            levels.first().is_some_and(|l| l.weight() > 0.0)
                && levels.last().is_some_and(|l| l.weight() < 0.0)
        });
        assert_eq!(ends, [true; 2], "{}", written.name);
    }
}

#[test]
fn the_bits_noted_beside_the_weights_are_right() {
    let model = Model::from_toml(WEIGHTS).unwrap();
    let levels = WEIGHTS.lines().filter(|line| line.starts_with("  { name"));
    let mut noted = levels.filter_map(|line| Some(line.split_once('#')?.1.trim()));
    for level in model.fields.iter().flat_map(|field| &field.levels) {
        let note = noted.next().unwrap().trim_end_matches(" bits");
        assert_eq!(note, format!("{:+.1}", level.weight()), "{}", level.name);
    }
}
