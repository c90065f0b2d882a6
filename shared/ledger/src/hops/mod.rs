//! The hop log: journal rows, the submissions' states and facts, and what is held, in one commit for many hops.

mod fold;
mod journal;
mod state;

use domain::{
    drill::{self, Point},
    hop::Hop,
    ports::{HopLog, Pending, StoreDown},
};

use crate::{Store, batch::Work, failure::Failure, store::Worker};

impl HopLog for Store {
    fn append(&self, hop: Hop) -> Pending<Result<(), StoreDown>> {
        let log = self.actors.hops.clone();
        Box::pin(async move { log.submit(hop).await })
    }

    fn ready(&self) -> Pending<bool> {
        let db = self.db.clone();
        Box::pin(async move { db.answers().await })
    }
}

/// Commits hops.
pub(crate) struct Logging(pub(crate) Worker);

impl Work for Logging {
    type Item = Hop;
    type Reply = ();
    const NAME: &'static str = "INSERT journal";

    async fn commit(&self, hops: &[Hop]) -> Result<Vec<()>, Failure> {
        let Worker { db, .. } = &self.0;
        let mut connection = db.open().await?;
        let log = async {
            let changes = fold::changes(hops);
            let transaction = connection.transaction().await?;
            journal::append(&transaction, hops).await?;
            state::apply(&transaction, &changes).await?;
            drill::at(Point::JournalBeforeCommit);
            transaction.commit().await?;
            drill::at(Point::JournalAfterCommit);
            Ok(hops.iter().map(|_| ()).collect())
        };
        let done = db.within(log).await;
        db.close(connection, done)
    }
}
