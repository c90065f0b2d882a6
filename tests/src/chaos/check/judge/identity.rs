//! Identifiers are on one resource each; the ledger and the EHR name the same resources; every effect has ended.

use std::collections::{HashMap, HashSet};

use domain::effect::Kind;

use crate::chaos::check::{Check, book::Book};

/// No two resources carry the same identifier of ours.
pub(super) fn identifiers_once(book: &Book<'_>) -> Check {
    let mut check = Check::new("EHR: no two resources carry one identifier");
    let ehr = &book.facts.ehr;
    let lists = [
        ("Patient", ehr.patients.iter().map(|one| (&one.id, &one.identifiers)).collect::<Vec<_>>()),
        ("Coverage", ehr.coverages.iter().map(|one| (&one.id, &one.identifiers)).collect()),
        ("Appointment", ehr.appointments.iter().map(|one| (&one.id, &one.identifiers)).collect()),
        ("Slot", ehr.busy.iter().map(|one| (&one.id, &one.identifiers)).collect()),
    ];
    for (kind, resources) in lists {
        let mut seen: HashMap<&str, &str> = HashMap::new();
        for (id, identifiers) in resources {
            check.look();
            if identifiers.is_empty() {
                check.wrong(|| format!("{kind}/{id}: none of ours"));
            }
            for identifier in identifiers {
                if let Some(other) = seen.insert(identifier, id) {
                    check.wrong(|| format!("{kind}/{other} and {kind}/{id}: the same"));
                }
            }
        }
    }
    check
}

/// The resources that the ledger says are done are those that the EHR holds.
pub(super) fn ledger_agrees(book: &Book<'_>) -> Check {
    let mut check = Check::new("the ledger's resources are the EHR's");
    let ehr = &book.facts.ehr;
    let released: HashSet<_> = in_force(book, Kind::SlotRelease).map(|op| op.admission).collect();
    let held: [(Kind, &str, HashSet<&str>); 4] = [
        (Kind::Patient, "Patient", ehr.patients.iter().map(|one| one.id.as_str()).collect()),
        (Kind::Coverage, "Coverage", ehr.coverages.iter().map(|one| one.id.as_str()).collect()),
        (Kind::Appointment, "Appointment", ehr.appointments.iter().map(|one| one.id.as_str()).collect()),
        (Kind::Slot, "Slot", ehr.busy.iter().map(|one| one.id.as_str()).collect()),
    ];
    for (kind, name, held) in held {
        let done = in_force(book, kind)
            .filter(|op| op.state == "done" && !(kind == Kind::Slot && released.contains(&op.admission)));
        let done: HashSet<&str> = done.filter_map(|op| op.resource.as_deref()).collect();
        for id in done.union(&held) {
            check.look();
            if !held.contains(id) {
                check.wrong(|| format!("{name}/{id}: in the ledger, not in the EHR"));
            } else if !done.contains(id) {
                check.wrong(|| format!("{name}/{id}: in the EHR, not in the ledger"));
            }
        }
    }
    check
}

/// No effect in force is under way, in doubt, refused or waiting for a person; each submission has one of each kind.
pub(super) fn effects_ended(book: &Book<'_>) -> Check {
    const WANTED: [Kind; 4] = [Kind::Patient, Kind::Coverage, Kind::Slot, Kind::Appointment];
    let mut check = Check::new("every effect is done");
    let mut there = HashSet::new();
    for op in book.facts.ledger.ops.iter().filter(|op| op.in_force) {
        check.look();
        there.insert((op.admission, op.kind));
        if op.state != "done" {
            check.wrong(|| format!("{} ({}): {}", op.op, op.kind, op.state));
        }
    }
    for submission in book.owed.keys() {
        let Some(row) = book.row(submission) else { continue };
        for kind in WANTED.iter().filter(|kind| !there.contains(&(row.admission, **kind))) {
            check.wrong(|| format!("{submission}: no effect {kind}"));
        }
    }
    check
}

fn in_force<'f>(book: &Book<'f>, kind: Kind) -> impl Iterator<Item = &'f crate::chaos::check::Op> {
    book.facts.ledger.ops.iter().filter(move |op| op.in_force && op.kind == kind)
}

#[cfg(test)]
mod tests {
    use crate::chaos::check::samples::{broken, holds};

    #[test]
    fn finds_identifiers_on_two_resources() {
        holds("carry one identifier");
        broken("carry one identifier", "the same", |facts| {
            facts.ehr.appointments[1].identifiers = facts.ehr.appointments[0].identifiers.clone();
        });
        broken("carry one identifier", "none of ours", |facts| facts.ehr.busy[0].identifiers.clear());
    }

    #[test]
    fn finds_resources_that_only_one_side_knows() {
        holds("are the EHR's");
        broken("are the EHR's", "not in the EHR", |facts| {
            facts.ehr.coverages.remove(0);
        });
        broken("are the EHR's", "not in the ledger", |facts| facts.ehr.busy[0].id = "another".into());
    }

    #[test]
    fn finds_effects_that_have_not_ended() {
        holds("every effect");
        broken("every effect", "unknown", |facts| facts.ledger.ops[0].state = "unknown".into());
        broken("every effect", "no effect slot", |facts| {
            facts.ledger.ops.retain(|op| op.kind != domain::effect::Kind::Slot);
        });
    }
}
