//! Committing what came of writes and searches.

use domain::{
    drill::{self, Point},
    effect::{After, Book, Protections, Told},
};
use uuid::Uuid;

use super::{rows, store};
use crate::{batch::Work, failure::Failure, store::Worker};

/// Commits outcomes.
pub(crate) struct Settling(pub(crate) Worker);

impl Work for Settling {
    type Item = Told;
    type Reply = After;
    const NAME: &'static str = "settle ehr_op";

    async fn commit(&self, items: &[Told]) -> Result<Vec<After>, Failure> {
        let Worker { db, clock } = &self.0;
        let mut connection = db.open().await?;
        let settle = async {
            let transaction = connection.transaction().await?;
            let slot_ids: Vec<Uuid> = items.iter().filter_map(|told| told.of.slot()).collect();
            let op_ids: Vec<Uuid> = items.iter().map(|told| told.of.op()).collect();
            let slots =
                if slot_ids.is_empty() { Vec::new() } else { rows::slots(&transaction, &slot_ids).await? };
            let ops = rows::ops(&transaction, &op_ids, &[]).await?;
            // After the locks: whoever held them may have taken a while.
            let now = clock.now();
            let mut book = Book::new(slots, ops, now, Protections::in_force());
            let replies = items.iter().map(|told| book.settle(told)).collect();
            store::save(&transaction, book.close(), now).await?;
            drill::at(Point::OutcomeBeforeCommit);
            transaction.commit().await?;
            drill::at(Point::OutcomeAfterCommit);
            Ok(replies)
        };
        let done = db.within(settle).await;
        db.close(connection, done)
    }
}
