//! One transaction for many admissions.

use std::{collections::BTreeSet, sync::Arc};

use deadpool_postgres::Transaction;
use domain::{
    ClinicId, Code,
    drill::{self, Point},
};

use super::{Admission, AdmissionRequest, Matcher, decide::Book, load, write};
use crate::{batch::Work, failure::Failure, store::Worker};

/// A submission, and how to compare its person with others.
pub(crate) struct Item {
    pub(super) request: AdmissionRequest,
    pub(super) matcher: Arc<Matcher>,
}

/// Commits admissions.
pub(crate) struct Admitting {
    pub(crate) worker: Worker,
    /// Persons compared with at most.
    pub(crate) candidates: usize,
}

impl Work for Admitting {
    type Item = Item;
    type Reply = Result<Admission, Code>;
    const NAME: &'static str = "admit submission";

    async fn commit(&self, items: &[Item]) -> Result<Vec<Self::Reply>, Failure> {
        let Worker { db, clock } = &self.worker;
        let mut connection = db.open().await?;
        let admit = async {
            let transaction = connection.transaction().await?;
            lock(&transaction, items).await?;
            let mut book = Book::new(load::admitted(&transaction, items).await?);
            let news = book.news(items);
            let mut people = load::people(&transaction, &news, self.candidates).await?;
            let found = people.find_all(&news, clock.as_ref());
            let requests = load::requests(&transaction, &news, &found).await?;
            let replies = book.decide(items, &news, &found, requests, clock.as_ref());
            write::batch(&transaction, &book, &people.added, clock.now()).await?;
            drill::at(Point::AdmissionBeforeCommit);
            transaction.commit().await?;
            drill::at(Point::AdmissionAfterCommit);
            Ok(replies)
        };
        let done = db.within(admit).await;
        db.close(connection, done)
    }
}

/// Admissions of a clinic follow one another, in all processes: nobody can admit the same submission, the same person or
/// the same request at the same moment. The locks end with the transaction; they are taken in one order, so that two
/// batches cannot wait for each other.
async fn lock(transaction: &Transaction<'_>, items: &[Item]) -> Result<(), Failure> {
    const SQL: &str = "SELECT pg_advisory_xact_lock(key) FROM unnest($1::bigint[]) AS key";
    let clinics: BTreeSet<&ClinicId> = items.iter().map(|item| &item.request.clinic).collect();
    let keys: BTreeSet<i64> = clinics.into_iter().map(|clinic| lock_key(clinic.as_str())).collect();
    let statement = transaction.prepare_cached(SQL).await?;
    transaction.query(&statement, &[&keys.into_iter().collect::<Vec<_>>()]).await?;
    Ok(())
}

/// FNV-1a. Two clinics with equal keys only wait for each other without need.
fn lock_key(clinic: &str) -> i64 {
    let hash = clinic.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    hash.cast_signed()
}
