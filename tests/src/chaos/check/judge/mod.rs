//! The judging: one file for each promise, none with IO.

mod admission;
mod ehr;
mod fencing;
mod identity;
mod intent;
mod journal;
mod messages;
mod order;
mod queues;

use super::{
    Check,
    book::{Book, visit},
};

/// Every promise.
pub(super) fn all(book: &Book<'_>) -> Vec<Check> {
    vec![
        admission::once(book),
        admission::nothing_else(book),
        journal::complete(book),
        ehr::patients(book),
        ehr::coverages(book),
        ehr::appointments(book),
        ehr::slots(book),
        identity::identifiers_once(book),
        identity::ledger_agrees(book),
        identity::effects_ended(book),
        intent::before_write(book),
        fencing::leases(book),
        fencing::one_writer(book),
        order::updates(book),
        messages::once(book),
        queues::empty(book),
        queues::dead_letters(book),
    ]
}

/// Accepted submissions without a row, or without an appointment in the EHR.
pub(super) fn lost(book: &Book<'_>) -> u64 {
    let gone = |(submission, asked): &(&&str, &&crate::chaos::people::Asked)| {
        !book.rows.contains_key(**submission) || !book.visits.contains_key(&visit(asked))
    };
    number(book.owed.iter().filter(gone).count())
}

/// Submissions held only because a message may or may not have been sent.
pub(super) fn parked(book: &Book<'_>) -> u64 {
    let rows = book.owed.keys().filter_map(|submission| book.row(submission));
    number(rows.filter(|row| admission::is_parked(row)).count())
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
