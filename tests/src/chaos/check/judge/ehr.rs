//! The EHR holds what was asked for, each once, and nothing else.

use std::collections::{HashMap, HashSet};

use crate::chaos::check::{
    Check,
    book::{Book, visit},
};

/// Each person is one patient; each row names its person's.
pub(super) fn patients(book: &Book<'_>) -> Check {
    let mut check = Check::new("EHR: each person is one patient, and there are no others");
    for person in book.persons.values() {
        check.look();
        match book.patients.get(person).map_or(0, Vec::len) {
            0 => check.wrong(|| format!("person {person}: no patient")),
            1 => {}
            many => check.too_many(many, || format!("person {person}: {many} patients")),
        }
    }
    for patient in &book.facts.ehr.patients {
        check.look();
        if !book.person_of.contains_key(patient.id.as_str()) {
            check.wrong(|| format!("Patient/{}: nobody asked for it", patient.id));
        }
    }
    for (submission, asked) in &book.owed {
        let Some(row) = book.row(submission) else { continue };
        let person = row.patient.as_deref().and_then(|id| book.person_of.get(id));
        if person != Some(&asked.person) {
            check.wrong(|| format!("{submission}: the row does not name its person's patient"));
        }
    }
    for other in &book.facts.ehr.others {
        check.wrong(|| format!("{other}: nobody asked for it"));
    }
    check
}

/// Each person has one coverage.
pub(super) fn coverages(book: &Book<'_>) -> Check {
    let mut check = Check::new("EHR: each person has one coverage, and there are no others");
    let mut there: HashMap<(u32, &str), usize> = HashMap::new();
    let wanted: HashSet<(u32, &str)> =
        book.owed.values().map(|asked| (asked.person, asked.member_id.as_str())).collect();
    for coverage in &book.facts.ehr.coverages {
        check.look();
        let person = book.person_of.get(coverage.patient.as_str());
        match person.map(|person| (*person, coverage.member.as_str())).filter(|key| wanted.contains(key)) {
            Some(key) => *there.entry(key).or_default() += 1,
            None => check.wrong(|| format!("Coverage/{}: nobody asked for it", coverage.id)),
        }
    }
    for key in &wanted {
        check.look();
        match there.get(key).copied().unwrap_or(0) {
            0 => check.wrong(|| format!("person {}: no coverage", key.0)),
            1 => {}
            many => check.too_many(many, || format!("person {}: {many} coverages", key.0)),
        }
    }
    check
}

/// Each request is one appointment; each row names its own.
pub(super) fn appointments(book: &Book<'_>) -> Check {
    let mut check = Check::new("EHR: each request is one appointment, and there are no others");
    for (submission, asked) in &book.owed {
        check.look();
        let there = book.visits.get(&visit(asked)).map_or(&[][..], Vec::as_slice);
        match there {
            [] => check.wrong(|| format!("{submission}: no appointment")),
            [one] => {
                let named = book.row(submission).and_then(|row| row.appointment.as_deref());
                if named != Some(one.id.as_str()) {
                    check.wrong(|| format!("{submission}: the row does not name Appointment/{}", one.id));
                }
            }
            many => check.too_many(many.len(), || format!("{submission}: {} appointments", many.len())),
        }
    }
    let wanted: HashSet<_> = book.owed.values().map(|asked| visit(asked)).collect();
    for one in &book.facts.ehr.appointments {
        check.look();
        let person = book.person_of.get(one.patient.as_str());
        let about = person.map(|person| (*person, one.provider.as_str(), one.start));
        if about.is_none_or(|about| !wanted.contains(&about)) {
            check.wrong(|| format!("Appointment/{}: nobody asked for it", one.id));
        }
    }
    check
}

/// The busy slots are the requested ones.
pub(super) fn slots(book: &Book<'_>) -> Check {
    let mut check = Check::new("EHR: the busy slots are the requested ones");
    let wanted: HashSet<_> = book.owed.values().map(|asked| (asked.provider.as_str(), asked.start)).collect();
    let busy: HashSet<_> =
        book.facts.ehr.busy.iter().map(|slot| (slot.provider.as_str(), slot.start)).collect();
    for (submission, asked) in &book.owed {
        check.look();
        if !busy.contains(&(asked.provider.as_str(), asked.start)) {
            check.wrong(|| format!("{submission}: its slot is free"));
        }
    }
    for slot in &book.facts.ehr.busy {
        check.look();
        if !wanted.contains(&(slot.provider.as_str(), slot.start)) {
            check.wrong(|| format!("Slot/{}: nobody asked for it", slot.id));
        }
    }
    check
}

#[cfg(test)]
mod tests {
    use crate::chaos::check::{
        samples::{broken, coverage, facts, holds, patient},
        verdict,
    };

    #[test]
    fn finds_lost_second_and_strange_patients() {
        holds("one patient");
        broken("one patient", "no patient", |facts| {
            facts.ehr.patients.remove(0);
        });
        broken("one patient", "2 patients", |facts| facts.ehr.patients.push(patient("second", 0)));
        broken("one patient", "nobody asked", |facts| facts.ehr.patients.push(patient("strange", 99)));
        broken("one patient", "nobody asked", |facts| facts.ehr.others.push("RelatedPerson/1".into()));
        broken("one patient", "its person's", |facts| {
            facts.ledger.submissions[2].patient = Some("pat-0".into())
        });
    }

    #[test]
    fn finds_lost_second_and_strange_coverages() {
        holds("one coverage");
        broken("one coverage", "no coverage", |facts| {
            facts.ehr.coverages.remove(0);
        });
        broken("one coverage", "2 coverages", |facts| facts.ehr.coverages.push(coverage("second", 0)));
        broken("one coverage", "nobody asked", |facts| facts.ehr.coverages.push(coverage("strange", 99)));
    }

    #[test]
    fn finds_lost_second_and_strange_appointments() {
        holds("one appointment");
        broken("one appointment", "no appointment", |facts| {
            facts.ehr.appointments.remove(0);
        });
        broken("one appointment", "2 appointments", |facts| {
            let mut second = facts.ehr.appointments.pop().unwrap();
            let first = facts.ehr.appointments.last().unwrap();
            (second.patient, second.provider) = (first.patient.clone(), first.provider.clone());
            second.start = first.start;
            facts.ehr.appointments.push(second);
        });
        broken("one appointment", "nobody asked", |facts| facts.ehr.appointments[0].patient = "pat-2".into());
        broken("one appointment", "does not name", |facts| facts.ledger.submissions[0].appointment = None);
    }

    #[test]
    fn finds_free_and_strange_slots() {
        holds("busy slots");
        broken("busy slots", "its slot is free", |facts| {
            facts.ehr.busy.remove(0);
        });
        broken("busy slots", "nobody asked", |facts| facts.ehr.busy[0].provider = "other".into());
    }

    #[test]
    fn counts_what_is_lost_and_what_is_there_twice() {
        let mut lost = facts();
        lost.ehr.appointments.remove(0);
        assert_eq!((verdict(&lost).lost, verdict(&lost).duplicates), (1, 0));
        let mut twice = facts();
        twice.ehr.patients.push(patient("second", 0));
        twice.ehr.patients.push(patient("third", 0));
        assert_eq!((verdict(&twice).lost, verdict(&twice).duplicates), (0, 2));
        assert!(!verdict(&twice).holds());
    }
}
