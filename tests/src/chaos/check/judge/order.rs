//! Updates of one patient arrive in the order of admission, and the last one stays.

use std::collections::{HashMap, HashSet};

use domain::effect::Kind;
use testkit::sandbox::Kind as Resource;

use crate::chaos::check::{
    Check,
    book::Book,
    facts::{Op, Step},
};

/// What was written, by version, has rising order of admission; every version in the EHR's log is some effect's; the patient is
/// there in the last of them; and its address is that of the latest submission that wrote.
pub(super) fn updates(book: &Book<'_>) -> Check {
    let mut check = Check::new("updates of a patient arrived in the order of admission");
    let ledger = &book.facts.ledger;
    // Who had a lease may not have written under it, and be overtaken later: only what was answered or found was written.
    let wrote: HashSet<_> = ledger
        .attempts
        .iter()
        .filter(|row| matches!(row.step, Step::Done | Step::Found))
        .map(|row| row.op)
        .collect();
    let mut by_patient: HashMap<&str, Vec<(u64, &Op)>> = HashMap::new();
    for op in ledger.ops.iter().filter(|op| op.kind == Kind::Patient && op.state == "done") {
        let created = if op.update { None } else { Some(1) };
        if let (true, Some(id), Some(version)) =
            (wrote.contains(&op.op), op.resource.as_deref(), op.version.or(created))
        {
            by_patient.entry(id).or_default().push((version, op));
        }
    }
    for (patient, writes) in &mut by_patient {
        check.look();
        writes.sort_by_key(|(version, op)| (*version, op.seq));
        for pair in writes.windows(2) {
            if let [(one, before), (other, after)] = pair {
                if before.seq >= after.seq {
                    check
                        .wrong(|| format!("Patient/{patient}: {} was written after {}", after.op, before.op));
                } else if one == other {
                    // Each writes another address: two cannot be one version.
                    check.wrong(|| {
                        format!("Patient/{patient}: {} and {} claim one version", before.op, after.op)
                    });
                }
            }
        }
    }
    for write in
        book.facts.writes.iter().filter(|write| write.resource == Resource::Patient && write.committed)
    {
        check.look();
        let (Some(id), Some(version)) = (write.id.as_deref(), write.version) else { continue };
        let known =
            by_patient.get(id).is_some_and(|writes| writes.iter().any(|(known, _)| *known == version));
        if !known {
            check.wrong(|| format!("Patient/{id}: nobody's version {version}"));
        }
    }
    for patient in &book.facts.ehr.patients {
        check.look();
        let Some(writes) = by_patient.get(patient.id.as_str()) else { continue };
        // By version: see above.
        if let Some((version, _)) = writes.last()
            && patient.version != *version
        {
            check.wrong(|| {
                format!(
                    "Patient/{}: version {}, the last one written is {version}",
                    patient.id, patient.version
                )
            });
        }
        let Some((_, last)) = writes.iter().max_by_key(|(_, op)| op.seq) else { continue };
        let street = book.asked(last.admission).map(|asked| asked.street.to_lowercase());
        if street.is_some_and(|street| patient.streets != [street]) {
            check.wrong(|| format!("Patient/{}: not as {} left it", patient.id, last.op));
        }
    }
    check
}

#[cfg(test)]
mod tests {
    use testkit::sandbox::{Kind, Write};
    use uuid::Uuid;

    use super::{Op, Step, updates};
    use crate::chaos::check::{
        book::Book,
        samples::{attempt, broken, facts, holds},
    };

    fn is_update(write: &Write) -> bool {
        write.resource == Kind::Patient && write.version == Some(2)
    }

    /// As a run of 100,000 submissions had it: the first to come has a lease and sends nothing, two later ones write, and it is skipped.
    #[test]
    fn who_had_a_lease_and_was_overtaken_wrote_nothing() {
        let mut facts = facts();
        let later = facts.ledger.ops.iter().find(|op| op.update).unwrap();
        let overtaken = Op {
            op: Uuid::from_u128(77),
            seq: 0,
            update: false,
            state: later.state.clone(),
            resource: later.resource.clone(),
            idempotency: later.idempotency.clone(),
            ..*later
        };
        for (step, state) in [(Step::Intent, "intent"), (Step::NotSent, "ready"), (Step::Skipped, "done")] {
            facts.ledger.attempts.push(attempt(overtaken.op, 1, step, state, 0));
        }
        facts.ledger.ops.push(overtaken);
        assert!(updates(&Book::new(&facts)).holds());
    }

    #[test]
    fn finds_updates_out_of_order_and_overwritten_ones() {
        holds("order of admission");
        broken("order of admission", "was written after", |facts| {
            facts.ledger.ops.iter_mut().find(|op| op.update).unwrap().seq = 0;
        });
        broken("order of admission", "nobody's version", |facts| {
            let update = facts.writes.iter_mut().find(|write| is_update(write)).unwrap();
            update.version = Some(3);
        });
        // An update that was taken for done because somebody else's was.
        broken("order of admission", "claim one version", |facts| {
            let update = facts.ledger.ops.iter_mut().find(|op| op.update).unwrap();
            update.version = Some(1);
        });
        // A change that went past the log and the ledger.
        broken("order of admission", "the last one written is 2", |facts| facts.ehr.patients[0].version = 3);
        broken("order of admission", "not as", |facts| {
            facts.ehr.patients[0].streets = vec!["1 linden street".into()]
        });
    }
}
