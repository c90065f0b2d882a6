//! What decisions look at, loaded under lock.

use deadpool_postgres::Transaction;
use domain::{
    AdmissionId,
    clock::Clock,
    effect::{BeginEffect, Book, Kind, Protections, Told},
};
use jiff::Timestamp;
use uuid::Uuid;

use super::rows;
use crate::{failure::Failure, text};

/// Locks everything that the decisions look at: slots before effects, each in the order of their ids.
pub(super) async fn load(
    transaction: &Transaction<'_>,
    wishes: &[&BeginEffect],
    told: &[&Told],
    clock: &dyn Clock,
) -> Result<(Book, Timestamp), Failure> {
    let keys: Vec<_> = wishes.iter().filter_map(|wish| wish.slot_key()).collect();
    let slot_ids: Vec<Uuid> = told.iter().filter_map(|told| told.of.slot()).collect();
    let none = keys.is_empty() && slot_ids.is_empty();
    let slots = if none { Vec::new() } else { rows::slots(transaction, &keys, &slot_ids).await? };
    let settled = told.iter().map(|told| told.of.op());
    let op_ids: Vec<Uuid> = slots.iter().map(|slot| slot.owner).chain(settled).collect();
    let wanted: Vec<(AdmissionId, Kind)> =
        wishes.iter().flat_map(|wish| wish.looks_at().iter().map(|kind| (wish.admission, *kind))).collect();
    let ops = rows::ops(transaction, &op_ids, &wanted).await?;
    // After the locks: whoever held them may have taken a while.
    let now = clock.now();
    let mut book = Book::new(slots, ops, now, Protections::in_force());
    let unordered: Vec<Uuid> = wishes
        .iter()
        .filter(|wish| wish.slot_key().is_some() && !book.knows(wish.admission, wish.target.kind()))
        .map(|wish| wish.admission.as_uuid())
        .collect();
    if !unordered.is_empty() {
        book.order(seqs(transaction, &unordered).await?);
    }
    Ok((book, now))
}

async fn seqs(
    transaction: &Transaction<'_>,
    admissions: &[Uuid],
) -> Result<Vec<(AdmissionId, i64)>, Failure> {
    const SQL: &str = "SELECT admission_id, seq FROM submission WHERE admission_id = ANY($1)";
    let statement = transaction.prepare_cached(SQL).await?;
    let rows = transaction.query(&statement, &[&admissions]).await?;
    rows.iter().map(|row| Ok((text::admission(row, "admission_id")?, row.try_get("seq")?))).collect()
}
