//! T1: lock, decide, commit the intents of a batch.

use std::collections::HashMap;

use deadpool_postgres::Transaction;
use domain::{AdmissionId, effect::Kind};
use uuid::Uuid;

use super::{
    Begin, BeginEffect, Target,
    decide::{Book, slot_key},
    rows, store,
};
use crate::{batch::Work, failure::Failure, store::Worker, text};

/// Commits intents.
pub(crate) struct Beginning(pub(crate) Worker);

impl Work for Beginning {
    type Item = BeginEffect;
    type Reply = Begin;

    async fn commit(&self, wishes: &[BeginEffect]) -> Result<Vec<Begin>, Failure> {
        let Worker { db, clock } = &self.0;
        let mut connection = db.open().await?;
        let begin = async {
            let transaction = connection.transaction().await?;
            let mut book = load(&transaction, wishes, clock.as_ref()).await?;
            let mut fresh = || clock.fresh_id();
            let replies = wishes.iter().map(|wish| book.begin(wish, &mut fresh)).collect();
            let now = book.now;
            let (slots, ops) = (book.slots.into_values().collect(), book.ops.into_values().collect());
            store::save(&transaction, slots, ops, &book.trail, now).await?;
            transaction.commit().await?;
            Ok(replies)
        };
        let done = db.within(begin).await;
        db.close(connection, done)
    }
}

/// Locks everything that the decisions look at: slots before effects, each in the order of their ids, as settling does.
async fn load(
    transaction: &Transaction<'_>,
    wishes: &[BeginEffect],
    clock: &dyn domain::clock::Clock,
) -> Result<Book, Failure> {
    let shared =
        || wishes.iter().filter(|wish| matches!(wish.target, Target::Patient | Target::Coverage { .. }));
    let keys: Vec<_> = shared().map(slot_key).collect();
    let slots = if keys.is_empty() { Vec::new() } else { rows::slots_by_key(transaction, &keys).await? };
    let owners: Vec<Uuid> = slots.iter().map(|slot| slot.owner).collect();
    let wanted: Vec<_> = wishes.iter().flat_map(looked_at).collect();
    let ops = rows::ops(transaction, &owners, &wanted).await?;
    // After the locks: whoever held them may have taken a while.
    let mut book = Book::new(slots, ops, clock.now());
    let unordered: Vec<Uuid> = shared()
        .filter(|wish| !book.in_force.contains_key(&(wish.admission, wish.target.kind())))
        .map(|wish| wish.admission.as_uuid())
        .collect();
    if !unordered.is_empty() {
        book.seqs = seqs(transaction, &unordered).await?;
    }
    Ok(book)
}

/// The effects of the submission that the decision depends on.
fn looked_at(wish: &BeginEffect) -> Vec<(AdmissionId, Kind)> {
    let kinds: &[Kind] = match wish.target {
        Target::Patient => &[Kind::Patient],
        Target::Coverage { .. } => &[Kind::Coverage],
        Target::Slot => &[Kind::Slot, Kind::SlotRelease],
        Target::Appointment => &[Kind::Appointment],
        Target::SlotRelease => &[Kind::Slot, Kind::SlotRelease, Kind::Appointment],
    };
    kinds.iter().map(|kind| (wish.admission, *kind)).collect()
}

async fn seqs(
    transaction: &Transaction<'_>,
    admissions: &[Uuid],
) -> Result<HashMap<AdmissionId, i64>, Failure> {
    const SQL: &str = "SELECT admission_id, seq FROM submission WHERE admission_id = ANY($1)";
    let statement = transaction.prepare_cached(SQL).await?;
    let rows = transaction.query(&statement, &[&admissions]).await?;
    rows.iter().map(|row| Ok((text::admission(row, "admission_id")?, row.try_get("seq")?))).collect()
}
