//! The cache of answers.

use domain::{
    drill::{self, Point},
    ports::StoreDown,
};

use super::{AnswerKey, CachedAnswer};
use crate::{Store, batch::Work, failure::Failure, store::Worker, text};

impl Store {
    /// The payer's answer of that day, if one is kept.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn cached_answer(&self, key: AnswerKey) -> Result<Option<CachedAnswer>, StoreDown> {
        const SQL: &str =
            "SELECT status, sealed, answered_at FROM eligibility_answer WHERE member = $1 AND day = $2";
        let rows = self.db.rows(SQL, &[&key.member.as_bytes().as_slice(), &key.day]).await?;
        rows.first().map(|row| answer(row).map_err(|_| StoreDown)).transpose()
    }

    /// Keeps the payer's answer; the latest of a day stays.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn cache_answer(&self, key: AnswerKey, answer: CachedAnswer) -> Result<(), StoreDown> {
        self.actors.cache.submit((key, answer)).await
    }
}

fn answer(row: &tokio_postgres::Row) -> Result<CachedAnswer, Failure> {
    Ok(CachedAnswer {
        status: text::status(row.try_get("status")?)?,
        sealed: row.try_get("sealed")?,
        answered_at: row.try_get("answered_at")?,
    })
}

/// Commits answers.
pub(crate) struct Caching(pub(crate) Worker);

impl Work for Caching {
    type Item = (AnswerKey, CachedAnswer);
    type Reply = ();
    const NAME: &'static str = "INSERT eligibility_answer";

    async fn commit(&self, items: &[Self::Item]) -> Result<Vec<()>, Failure> {
        // One statement may touch a row only once: the newest of equal keys. Sorted, so that two processes cannot deadlock.
        const SQL: &str = "INSERT INTO eligibility_answer (member, day, status, sealed, answered_at)
             SELECT DISTINCT ON (member, day) member, day, status, sealed, answered_at
             FROM unnest($1::bytea[], $2::date[], $3::text[], $4::bytea[], $5::timestamptz[])
                 AS new (member, day, status, sealed, answered_at)
             ORDER BY member, day, answered_at DESC
             ON CONFLICT (member, day) DO UPDATE SET status = excluded.status, sealed = excluded.sealed,
                 answered_at = excluded.answered_at
             WHERE eligibility_answer.answered_at <= excluded.answered_at";
        let members: Vec<&[u8]> = items.iter().map(|(key, _)| key.member.as_bytes().as_slice()).collect();
        let days: Vec<_> = items.iter().map(|(key, _)| key.day).collect();
        let statuses: Vec<_> = items.iter().map(|(_, answer)| answer.status.as_str()).collect();
        let sealed: Vec<_> = items.iter().map(|(_, answer)| answer.sealed.as_deref()).collect();
        let times: Vec<_> = items.iter().map(|(_, answer)| answer.answered_at).collect();
        let db = &self.0.db;
        let connection = db.open().await?;
        let put = async {
            let statement = connection.prepare_cached(SQL).await?;
            // One statement writes and commits.
            drill::at(Point::AnswerBeforeCommit);
            connection.execute(&statement, &[&members, &days, &statuses, &sealed, &times]).await?;
            drill::at(Point::AnswerAfterCommit);
            Ok(items.iter().map(|_| ()).collect())
        };
        let done = db.within(put).await;
        db.close(connection, done)
    }
}
