//! Each accepted submission is admitted once and comes to its end; nothing else is admitted.

use std::collections::HashSet;

use crate::chaos::check::{Check, book::Book, facts::Submission};

/// Every accepted submission has one row, and it is completed; or held, if and only if a message to the patient is in doubt.
pub(super) fn once(book: &Book<'_>) -> Check {
    let mut check = Check::new("each accepted submission is admitted once, and completed");
    let unknown: HashSet<_> = book
        .facts
        .ledger
        .notices
        .iter()
        .filter(|notice| notice.state == "unknown")
        .map(|notice| notice.admission)
        .collect();
    for (submission, asked) in &book.owed {
        check.look();
        match book.rows.get(submission).map(Vec::as_slice) {
            None | Some([]) => check.wrong(|| format!("{submission}: no row")),
            Some([row]) if row.clinic != asked.clinic => {
                check.wrong(|| format!("{submission}: at another clinic"))
            }
            Some([row]) if row.state == "completed" => {}
            Some([row]) if is_parked(row) && unknown.contains(&row.admission) => {}
            Some([row]) => {
                check.wrong(|| {
                    format!("{submission}: {} ({})", row.state, row.code.as_deref().unwrap_or("-"))
                });
            }
            Some(rows) => check.wrong(|| format!("{submission}: {} rows", rows.len())),
        }
    }
    for (submission, status) in &book.facts.tally.refused {
        check.wrong(|| format!("{submission}: the gateway refused it ({status})"));
    }
    check
}

/// Held because a message may or may not have been sent.
pub(super) fn is_parked(row: &Submission) -> bool {
    row.state == "held" && row.code.as_deref() == Some("notification_parked")
}

/// Every row is of a submission that was sent, and nobody sent two under one name.
pub(super) fn nothing_else(book: &Book<'_>) -> Check {
    let mut check = Check::new("nothing is admitted that nobody sent");
    for row in &book.facts.ledger.submissions {
        check.look();
        if !book.owed.contains_key(row.submission.as_str()) {
            check.wrong(|| format!("{}: nobody sent it", row.submission));
        } else if row.copy {
            check.wrong(|| format!("{}: a refused copy that nobody sent", row.submission));
        }
    }
    for clinic in &book.facts.tally.poison.taken {
        check.wrong(|| format!("the gateway took poison for {clinic}"));
    }
    check
}

#[cfg(test)]
mod tests {
    use crate::chaos::check::samples::{broken, facts, holds};

    #[test]
    fn finds_what_is_lost_twice_or_stuck() {
        holds("completed");
        broken("completed", "no row", |facts| {
            facts.ledger.submissions.remove(0);
        });
        broken("completed", "in_flight", |facts| facts.ledger.submissions[0].state = "in_flight".into());
        broken("completed", "held", |facts| {
            facts.ledger.submissions[0].state = "held".into();
            facts.ledger.submissions[0].code = Some("notification_parked".into());
        });
        broken("completed", "refused it", |facts| facts.tally.refused.push(("s".into(), 422)));
        broken("completed", "another clinic", |facts| facts.ledger.submissions[0].clinic = "other".into());
    }

    #[test]
    fn finds_what_nobody_sent() {
        holds("nobody sent");
        broken("nobody sent", "nobody sent it", |facts| {
            facts.tally.sent.remove(0);
        });
        broken("nobody sent", "refused copy", |facts| facts.ledger.submissions[0].copy = true);
        broken("nobody sent", "took poison", |facts| facts.tally.poison.taken.push("clinic-01".into()));
    }

    #[test]
    fn what_was_sent_without_an_answer_may_be_there_or_not() {
        let mut there = facts();
        let sent = there.tally.sent.remove(0);
        there.tally.doubtful.push(sent);
        let verdict = super::super::super::verdict(&there);
        assert!(verdict.holds(), "{verdict:#?}");
    }
}
