//! T1: lock, decide, commit the intents of a batch.

use deadpool_postgres::Transaction;
use domain::{
    AdmissionId,
    drill::{self, Point},
    effect::{Begin, BeginEffect, Book, Kind, Protections},
};
use jiff::Timestamp;
use uuid::Uuid;

use super::{rows, store};
use crate::{batch::Work, failure::Failure, store::Worker, text};

/// Commits intents.
pub(crate) struct Beginning(pub(crate) Worker);

impl Work for Beginning {
    type Item = BeginEffect;
    type Reply = Begin;
    const NAME: &'static str = "begin ehr_op";

    async fn commit(&self, wishes: &[BeginEffect]) -> Result<Vec<Begin>, Failure> {
        let Worker { db, clock } = &self.0;
        let mut connection = db.open().await?;
        let begin = async {
            let transaction = connection.transaction().await?;
            let (mut book, now) = load(&transaction, wishes, clock.as_ref()).await?;
            let mut fresh = || clock.fresh_id();
            let replies = wishes.iter().map(|wish| book.begin(wish, &mut fresh)).collect();
            store::save(&transaction, book.close(), now).await?;
            drill::at(Point::IntentBeforeCommit);
            transaction.commit().await?;
            drill::at(Point::IntentAfterCommit);
            Ok(replies)
        };
        let done = db.within(begin).await;
        db.close(connection, done)
    }
}

/// Locks everything that the decisions look at: slots before effects, each in the order of their ids, as settling does.
pub(super) async fn load(
    transaction: &Transaction<'_>,
    wishes: &[BeginEffect],
    clock: &dyn domain::clock::Clock,
) -> Result<(Book, Timestamp), Failure> {
    let keys: Vec<_> = wishes.iter().filter_map(BeginEffect::slot_key).collect();
    let slots = if keys.is_empty() { Vec::new() } else { rows::slots_by_key(transaction, &keys).await? };
    let owners: Vec<Uuid> = slots.iter().map(|slot| slot.owner).collect();
    let wanted: Vec<(AdmissionId, Kind)> =
        wishes.iter().flat_map(|wish| wish.looks_at().iter().map(|kind| (wish.admission, *kind))).collect();
    let ops = rows::ops(transaction, &owners, &wanted).await?;
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
