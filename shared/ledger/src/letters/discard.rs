//! Discarding: asked for by one person, approved by another. The database itself refuses an approver who is the requester.

use domain::{
    ids::{DiscardId, LetterId},
    ports::StoreDown,
};
use jiff::Timestamp;
use serde::Serialize;
use tokio_postgres::Row;
use uuid::Uuid;

use super::{
    Changed, ended,
    state::{id, scopes},
};
use crate::{
    Store,
    acts::{Actor, Deed, Outcome, What},
    admit::request,
    failure::Failure,
};

/// What may be discarded: neither what is on its way nor what has come to an end.
const DISCARDABLE: [&str; 2] = ["open", "archived"];

/// A request to discard letters that waits for a second person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DiscardRow {
    /// The request.
    pub id: DiscardId,
    /// When.
    pub requested_at: Timestamp,
    /// Who asked: whoever approves is somebody else.
    pub requester: String,
    /// Why.
    pub reason: String,
    /// The letters.
    pub letters: Vec<LetterId>,
}

/// What came of an approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Approved {
    /// They are discarded, but for those that stand elsewhere by now.
    Done(Changed),
    /// Whoever asked cannot approve.
    SamePerson,
    /// No such request waits.
    Unknown,
}

impl Store {
    /// Asks that letters be discarded: those that are open or archived. `None`: none of them is. Notes the act.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn request_discard(
        &self,
        letters: &[LetterId],
        actor: &Actor,
        reason: &str,
    ) -> Result<Option<DiscardRow>, StoreDown> {
        const CHOOSE: &str = "SELECT letter_id FROM dead_letter WHERE letter_id = ANY($1) AND state = ANY($2)
            ORDER BY letter_id";
        const PUT: &str = "INSERT INTO discard (discard_id, requested_at, requester, reason, letters)
            VALUES ($1, $2, $3, $4, $5)
            RETURNING discard_id, requested_at, requester, reason, letters";
        let now = self.clock.now();
        let request = DiscardId::from_uuid(self.clock.fresh_id());
        let ids: Vec<Uuid> = letters.iter().map(|id| id.as_uuid()).collect();
        let mut connection = self.db.open().await.map_err(|_| StoreDown)?;
        let work = async {
            let transaction = connection.transaction().await?;
            let rows = transaction.query(CHOOSE, &[&ids, &DISCARDABLE.as_slice()]).await?;
            let letters = rows.iter().map(id).collect::<Result<Vec<_>, Failure>>()?;
            if letters.is_empty() {
                return Ok(None);
            }
            let chosen: Vec<Uuid> = letters.iter().map(|id| id.as_uuid()).collect();
            let values: [&(dyn tokio_postgres::types::ToSql + Sync); 5] =
                [&request.as_uuid(), &now, &actor.name, &reason, &chosen];
            let row = discard(&transaction.query_one(PUT, &values).await?)?;
            let deed = Deed { at: now, actor, what: What::DiscardRequested, reason };
            deed.note(&transaction, &[format!("discard:{request}")], Outcome::Done).await?;
            transaction.commit().await?;
            Ok(Some(row))
        };
        let work = self.db.within(work).await;
        self.db.close(connection, work).map_err(|_| StoreDown)
    }

    /// The requests that wait for a second person, oldest first.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn discards(&self) -> Result<Vec<DiscardRow>, StoreDown> {
        const SQL: &str = "SELECT discard_id, requested_at, requester, reason, letters FROM discard
            WHERE approver IS NULL ORDER BY requested_at, discard_id";
        let rows = self.db.rows(SQL, &[]).await?;
        rows.iter().map(|row| discard(row).map_err(|_| StoreDown)).collect()
    }

    /// Approves a request: its letters are discarded, and their submissions with them, and an act is noted for each. Their rows and bodies
    /// stay.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn approve_discard(
        &self,
        request: DiscardId,
        actor: &Actor,
        reason: &str,
    ) -> Result<Approved, StoreDown> {
        const LOCK: &str = "SELECT discard_id, requested_at, requester, reason, letters FROM discard
            WHERE discard_id = $1 AND approver IS NULL FOR UPDATE";
        const APPROVE: &str = "UPDATE discard SET approver = $2, approved_at = $3 WHERE discard_id = $1";
        const END: &str = "UPDATE dead_letter SET state = 'discarded', state_at = $3
            WHERE letter_id = ANY($1) AND state = ANY($2) RETURNING letter_id";
        const ADMISSIONS: &str = "SELECT DISTINCT admission_id FROM dead_letter
            WHERE letter_id = ANY($1) AND state = 'discarded' AND admission_id IS NOT NULL";
        let now = self.clock.now();
        let mut connection = self.db.open().await.map_err(|_| StoreDown)?;
        let work = async {
            let transaction = connection.transaction().await?;
            let Some(row) = transaction.query_opt(LOCK, &[&request.as_uuid()]).await? else {
                return Ok(Err(Approved::Unknown));
            };
            let asked = discard(&row)?;
            let deed = Deed { at: now, actor, what: What::Discarded, reason };
            if asked.requester == actor.name {
                // That somebody tried is worth knowing.
                deed.note(&transaction, &scopes(&asked.letters), Outcome::Refused).await?;
                transaction.commit().await?;
                return Ok(Err(Approved::SamePerson));
            }
            transaction.execute(APPROVE, &[&request.as_uuid(), &actor.name, &now]).await?;
            let ids: Vec<Uuid> = asked.letters.iter().map(|id| id.as_uuid()).collect();
            let rows = transaction.query(END, &[&ids, &DISCARDABLE.as_slice(), &now]).await?;
            let done = rows.iter().map(id).collect::<Result<Vec<_>, Failure>>()?;
            ended::end(&transaction, &done, (actor, reason), now).await?;
            let ended = transaction.query(ADMISSIONS, &[&ids]).await?;
            let ended: Vec<Uuid> = ended.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
            request::give_back(&transaction, &ended).await?;
            deed.note(&transaction, &scopes(&done), Outcome::Done).await?;
            let left: Vec<LetterId> = asked.letters.into_iter().filter(|id| !done.contains(id)).collect();
            deed.note(&transaction, &scopes(&left), Outcome::Nothing).await?;
            transaction.commit().await?;
            Ok(Ok((done, left)))
        };
        let work = self.db.within(work).await;
        match self.db.close(connection, work).map_err(|_| StoreDown)? {
            Ok((done, left)) => {
                Ok(Approved::Done(Changed { done, left: self.where_they_stand(&left).await? }))
            }
            Err(why) => Ok(why),
        }
    }
}

fn discard(row: &Row) -> Result<DiscardRow, Failure> {
    let letters: Vec<Uuid> = row.try_get("letters")?;
    Ok(DiscardRow {
        id: DiscardId::from_uuid(row.try_get("discard_id")?),
        requested_at: row.try_get("requested_at")?,
        requester: row.try_get("requester")?,
        reason: row.try_get("reason")?,
        letters: letters.into_iter().map(LetterId::from_uuid).collect(),
    })
}
