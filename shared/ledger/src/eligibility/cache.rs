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
        self.actors.cached.submit(key).await
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

/// Looks answers up.
pub(crate) struct Cached(pub(crate) Worker);

impl Work for Cached {
    type Item = AnswerKey;
    type Reply = Option<CachedAnswer>;
    const NAME: &'static str = "SELECT eligibility_answer";

    async fn commit(&self, keys: &[AnswerKey]) -> Result<Vec<Option<CachedAnswer>>, Failure> {
        const SQL: &str = "SELECT k.n, a.status, a.sealed, a.answered_at
            FROM unnest($1::bytea[], $2::date[]) WITH ORDINALITY AS k (member, day, n)
                JOIN eligibility_answer a USING (member, day)";
        let members: Vec<&[u8]> = keys.iter().map(|key| key.member.as_bytes().as_slice()).collect();
        let days: Vec<_> = keys.iter().map(|key| key.day).collect();
        let rows = self.0.db.rows(SQL, &[&members, &days]).await.map_err(|_| Failure::Down)?;
        let mut found = vec![None; keys.len()];
        for row in &rows {
            let nth = usize::try_from(row.try_get::<_, i64>("n")? - 1).map_err(|_| Failure::Data)?;
            *found.get_mut(nth).ok_or(Failure::Data)? = Some(answer(row)?);
        }
        Ok(found)
    }
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
