//! Every write that the EHR saw has a lease that was committed before it arrived.
//!
//! The commit's time is Postgres's own, taken as it begins to commit; the EHR's is that of the request's arrival, and both are by
//! one machine's clock. A write that leaves while its lease's transaction is still open is noticed. Where Postgres keeps no times
//! of commits the row's own time stands for it, which is a little earlier.

use std::collections::HashMap;

use domain::effect::Kind;
use jiff::Timestamp;
use testkit::sandbox::Kind as Resource;

use crate::chaos::check::{Check, book::Book, facts::Step};

/// What a write is about: all effects that write one identifier into one kind of resource.
type About<'f> = (Resource, &'f str);

const fn resource(kind: Kind) -> Resource {
    match kind {
        Kind::Patient => Resource::Patient,
        Kind::Coverage => Resource::Coverage,
        Kind::Slot | Kind::SlotRelease => Resource::Slot,
        Kind::Appointment => Resource::Appointment,
    }
}

/// A lease begins with its commit. For the n-th write of an identifier at least n leases were committed when it arrived: none without a lease, and none twice under one.
pub(super) fn before_write(book: &Book<'_>) -> Check {
    let mut check = Check::new("each write that the EHR saw has a lease begun before it arrived");
    let ledger = &book.facts.ledger;
    let about: HashMap<_, About<'_>> =
        ledger.ops.iter().map(|op| (op.op, (resource(op.kind), op.idempotency.as_str()))).collect();
    let released: HashMap<&str, About<'_>> = ledger
        .ops
        .iter()
        .filter(|op| op.kind == Kind::SlotRelease)
        .filter_map(|op| Some((op.resource.as_deref()?, (Resource::Slot, op.idempotency.as_str()))))
        .collect();
    let mut committed: HashMap<About<'_>, Vec<Timestamp>> = HashMap::new();
    for attempt in ledger.attempts.iter().filter(|attempt| attempt.step == Step::Intent) {
        if let Some(about) = about.get(&attempt.op) {
            committed.entry(*about).or_default().push(attempt.committed_at);
        }
    }
    committed.values_mut().for_each(|times| times.sort_unstable());
    let mut arrived: HashMap<About<'_>, usize> = HashMap::new();
    // In order of arrival, as the log is.
    for write in &book.facts.writes {
        check.look();
        let own = write.identifier.as_deref().map(|value| (write.resource, value));
        // What gives a slot back no longer carries our identifier.
        let by_slot = || released.get(write.id.as_deref()?).copied();
        let Some(about) = own.filter(|about| committed.contains_key(about)).or_else(by_slot) else {
            check.wrong(|| format!("write {} ({:?}): no lease at all", write.sequence, write.resource));
            continue;
        };
        let nth = arrived.entry(about).or_default();
        let lease = committed.get(&about).and_then(|times| times.get(*nth));
        *nth += 1;
        if lease.is_none_or(|at| *at > write.arrived_at) {
            let what = if lease.is_none() { "more writes than leases" } else { "before its lease" };
            check.wrong(|| format!("write {} ({:?}): {what}", write.sequence, write.resource));
        }
    }
    check
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use crate::chaos::check::samples::{broken, holds};

    #[test]
    fn finds_writes_without_and_before_their_lease() {
        holds("each write");
        broken("each write", "no lease at all", |facts| facts.writes[0].identifier = Some("ab".into()));
        broken("each write", "before its lease", |facts| {
            // The row was written before the write arrived; the commit came after.
            let lease = &mut facts.ledger.attempts[0];
            lease.committed_at = facts.writes[0].arrived_at + SignedDuration::from_micros(1);
            assert!(lease.at < facts.writes[0].arrived_at);
        });
        broken("each write", "more writes than leases", |facts| {
            let again = facts.writes[0].clone();
            facts.writes.push(again);
        });
    }
}
