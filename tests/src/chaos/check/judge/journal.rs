//! The journal tells every hop, and agrees with the ledger.

use std::collections::HashMap;

use crate::chaos::check::{Check, book::Book};

const STAGES: [&str; 3] = ["validation", "eligibility", "ehr-writer"];

/// Each accepted submission was handed on by every stage and ended by the last; the last state that the journal tells is the ledger's.
pub(super) fn complete(book: &Book<'_>) -> Check {
    let mut check = Check::new("the journal has every hop, and agrees with the ledger");
    let hops: HashMap<_, _> = book.facts.ledger.hops.iter().map(|hops| (hops.admission, hops)).collect();
    for submission in book.owed.keys() {
        let Some(row) = book.row(submission) else { continue };
        check.look();
        let Some(hops) = hops.get(&row.admission) else {
            check.wrong(|| format!("{submission}: nothing in the journal"));
            continue;
        };
        for (stage, there) in STAGES.iter().zip(hops.handed_on) {
            if !there {
                check.wrong(|| format!("{submission}: not handed on by {stage}"));
            }
        }
        if !hops.ended {
            check.wrong(|| format!("{submission}: not ended by notification"));
        }
        if hops.state.as_deref() != Some(row.state.as_str()) {
            let journal = hops.state.as_deref().unwrap_or("nothing");
            check.wrong(|| format!("{submission}: {journal} in the journal, {} in the ledger", row.state));
        }
    }
    check
}

#[cfg(test)]
mod tests {
    use crate::chaos::check::samples::{broken, holds};

    #[test]
    fn finds_missing_hops_and_other_states() {
        holds("the journal");
        broken("the journal", "nothing in the journal", |facts| {
            facts.ledger.hops.remove(0);
        });
        broken("the journal", "by eligibility", |facts| facts.ledger.hops[0].handed_on[1] = false);
        broken("the journal", "by notification", |facts| facts.ledger.hops[0].ended = false);
        broken("the journal", "held in the journal", |facts| {
            facts.ledger.hops[0].state = Some("held".into())
        });
    }
}
