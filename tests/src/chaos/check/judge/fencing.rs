//! Leases: each effect's rows are a way that the state machine can go, and only one effect at a time writes what several share.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::chaos::{
    check::{
        Check,
        book::Book,
        facts::{Attempt, Op, Step},
    },
    settings::LEASE,
};

/// Times are kept in whole microseconds; a lease is compared before they are cut.
const CUT: SignedDuration = SignedDuration::from_micros(1);

/// Whether a row may follow the state before it. After the end nothing may; an outcome counts only while its lease is in force,
/// a search only while the outcome is unknown; a lease begins only where nothing is under way.
fn follows(from: &str, step: Step, to: &str) -> bool {
    use Step::{
        Ambiguous, Done, Found, FoundConflict, FoundNone, Intent, Lapsed, NotSent, Rejected, Reused, Skipped,
        Stale,
    };
    match (from, step) {
        ("ready", Intent) => to == "intent",
        ("ready", Skipped | Reused) => to == "done",
        ("intent", Done) => matches!(to, "done" | "unknown" | "parked"),
        ("intent", NotSent | Stale) => matches!(to, "ready" | "unknown" | "parked"),
        ("intent", Rejected) => matches!(to, "rejected" | "unknown" | "parked"),
        ("intent", Ambiguous | Lapsed) => matches!(to, "unknown" | "parked"),
        ("unknown", Found) => to == "done",
        ("unknown", FoundConflict) => to == "conflict",
        ("unknown", FoundNone) => matches!(to, "unknown" | "ready" | "parked"),
        ("unknown", Lapsed) => to == "parked",
        _ => false,
    }
}

/// Each effect went a way that the state machine can go, under one lease after the other, none of which told of its write
/// after its time, and ended where its row says.
pub(super) fn leases(book: &Book<'_>) -> Check {
    let mut check = Check::new("leases: no effect changes but under the lease in force");
    let mut stands: HashMap<Uuid, (&str, i32)> = HashMap::new();
    let mut began: HashMap<Uuid, Timestamp> = HashMap::new();
    for attempt in &book.facts.ledger.attempts {
        check.look();
        let Attempt { op, step, state, .. } = attempt;
        let (from, leases) = stands.get(op).copied().unwrap_or(("ready", 0));
        let begun = if *step == Step::Intent { leases + 1 } else { leases };
        if !follows(from, *step, state) {
            check.wrong(|| format!("{op}: {step:?} to {state} when it was {from}"));
        } else if attempt.attempt != begun {
            check.wrong(|| format!("{op}: {step:?} under lease {}, not {begun}", attempt.attempt));
        } else if *step == Step::Intent {
            began.insert(*op, attempt.at);
        } else if from == "intent"
            && let Some(begin) = began.get(op)
        {
            let lasted = attempt.at.duration_since(*begin);
            // What is told too late is no answer: the effect is unknown then.
            if matches!(state.as_str(), "done" | "ready" | "rejected") && lasted > LEASE + CUT {
                check.wrong(|| format!("{op}: {step:?} was believed after the lease"));
            } else if *step == Step::Lapsed && lasted < LEASE - CUT {
                check.wrong(|| format!("{op}: given up before its lease was over"));
            }
        }
        stands.insert(*op, (state, begun));
    }
    for op in &book.facts.ledger.ops {
        let (state, leases) = stands.get(&op.op).copied().unwrap_or(("ready", 0));
        if state != op.state || leases != op.attempts {
            check.wrong(|| {
                format!(
                    "{}: {} after {} leases, its rows say {state} after {leases}",
                    op.op, op.state, op.attempts
                )
            });
        }
    }
    check
}

/// Of the effects that write one identifier, no two are under way at once.
pub(super) fn one_writer(book: &Book<'_>) -> Check {
    let mut check = Check::new("leases: one writer at a time for what submissions share");
    let ledger = &book.facts.ledger;
    let ops: HashMap<Uuid, &Op> = ledger.ops.iter().map(|op| (op.op, op)).collect();
    let mut shared: HashMap<(&str, &str), Vec<&Attempt>> = HashMap::new();
    for attempt in &ledger.attempts {
        if let Some(op) = ops.get(&attempt.op) {
            shared.entry((op.kind.as_str(), op.idempotency.as_str())).or_default().push(attempt);
        }
    }
    for rows in shared.values_mut() {
        // At one instant what ends comes before what begins. The sort keeps each effect's own order otherwise.
        rows.sort_by_key(|row| (row.at, row.step == Step::Intent));
        let mut open: Option<&Attempt> = None;
        for row in rows.iter() {
            check.look();
            let under_way = matches!(row.state.as_str(), "intent" | "unknown");
            match open {
                Some(other) if other.op != row.op && row.step == Step::Intent => {
                    check.wrong(|| format!("{} began while {} was under way", row.op, other.op));
                    open = Some(row);
                }
                _ if under_way => open = Some(row),
                Some(other) if other.op == row.op => open = None,
                _ => {}
            }
        }
    }
    check
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use crate::chaos::{
        check::{
            facts::Step,
            samples::{attempt, broken, holds},
        },
        settings::LEASE,
    };

    #[test]
    fn finds_changes_after_the_end_and_outcomes_without_a_lease() {
        holds("no effect changes");
        broken("no effect changes", "when it was done", |facts| {
            let done = &facts.ledger.attempts[1];
            let late = attempt(done.op, 1, Step::Done, "done", 50);
            facts.ledger.attempts.push(late);
        });
        broken("no effect changes", "when it was intent", |facts| {
            // A second lease while the first neither ended nor ran out.
            let op = facts.ledger.attempts[0].op;
            facts.ledger.attempts.insert(1, attempt(op, 2, Step::Intent, "intent", 50));
        });
        broken("no effect changes", "when it was unknown", |facts| {
            // The late word of a writer whose lease had run out.
            let op = facts.ledger.attempts[0].op;
            facts.ledger.attempts.insert(1, attempt(op, 1, Step::Lapsed, "unknown", 50));
        });
        broken("no effect changes", "believed after the lease", |facts| {
            let begin = facts.ledger.attempts[0].at;
            facts.ledger.attempts[1].at = begin + LEASE + SignedDuration::from_millis(1);
        });
        broken("no effect changes", "before its lease was over", |facts| {
            facts.ledger.attempts[1].step = Step::Lapsed;
            facts.ledger.attempts[1].state = "unknown".to_owned();
        });
        broken("no effect changes", "under lease 7", |facts| facts.ledger.attempts[1].attempt = 7);
        broken("no effect changes", "its rows say", |facts| facts.ledger.ops[0].attempts = 2);
    }

    #[test]
    fn finds_two_writers_at_once() {
        holds("one writer");
        broken("one writer", "was under way", |facts| {
            // The second submission of person 0 updates; its lease now begins before the first has ended.
            let end = facts.ledger.attempts[1].at;
            let second = facts.ledger.ops.iter().find(|op| op.update).unwrap().op;
            let begin = facts.ledger.attempts.iter_mut().find(|row| row.op == second).unwrap();
            begin.at = end - SignedDuration::from_micros(1);
        });
    }
}
