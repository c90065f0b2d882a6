//! Where a dead letter stands, and putting it aside.

use deadpool_postgres::Transaction;
use domain::{ids::LetterId, ports::StoreDown};
use serde::Serialize;
use tokio_postgres::Row;
use uuid::Uuid;

use super::UNHEARD;
use crate::{
    Store,
    acts::{Actor, Deed, Outcome, What, names},
    failure::Failure,
    replay, text,
};

names! {
    /// Where a dead letter stands.
    LetterState, UnknownState: "not a state of a dead letter: open, ended, replayed, archived or discarded";
    /// Somebody has to do something about it.
    Open = "open",
    /// Nobody has: its submission has come to an end after all.
    Ended = "ended",
    /// Its message is on its way again, or was. If that died too, it is a letter of its own.
    Replayed = "replayed",
    /// Put aside.
    Archived = "archived",
    /// Ended by two people.
    Discarded = "discarded",
}

/// Putting aside, and taking up again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    /// What is open becomes archived.
    Archive,
    /// What is archived becomes open, and what was replayed if nothing was heard of it since.
    Restore,
}

impl Move {
    const fn what(self) -> What {
        match self {
            Self::Archive => What::Archived,
            Self::Restore => What::Restored,
        }
    }

    fn sql(self) -> String {
        match self {
            Self::Archive => "UPDATE dead_letter SET state = 'archived', state_at = $2
                WHERE letter_id = ANY($1) AND state = 'open' RETURNING letter_id"
                .to_owned(),
            Self::Restore => format!(
                "UPDATE dead_letter l SET state = 'open', state_at = $2
                WHERE l.letter_id = ANY($1) AND (l.state = 'archived' OR {UNHEARD}) RETURNING letter_id"
            ),
        }
    }
}

/// A letter to which something could not be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct NotThat {
    /// Which.
    pub id: LetterId,
    /// Where it stands; `None`: there is none of this id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<LetterState>,
}

/// What was done to some letters.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Changed {
    /// Those that it was done to.
    pub done: Vec<LetterId>,
    /// Those that it could not be done to.
    pub left: Vec<NotThat>,
}

impl Store {
    /// Puts letters aside or takes them up again, those that can be, and notes an act for each letter.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn move_letters(
        &self,
        letters: &[LetterId],
        to: Move,
        actor: &Actor,
        reason: &str,
    ) -> Result<Changed, StoreDown> {
        let now = self.clock.now();
        let ids: Vec<Uuid> = letters.iter().map(|id| id.as_uuid()).collect();
        let mut connection = self.db.open().await.map_err(|_| StoreDown)?;
        let work = async {
            let transaction = connection.transaction().await?;
            if to == Move::Restore {
                hold_still(&transaction, &ids).await?;
            }
            let rows = transaction.query(&to.sql(), &[&ids, &now]).await?;
            let done = rows.iter().map(id).collect::<Result<Vec<_>, Failure>>()?;
            if to == Move::Restore {
                replay::give_up(&transaction, &done, now).await?;
            }
            let deed = Deed { at: now, actor, what: to.what(), reason };
            deed.note(&transaction, &scopes(&done), Outcome::Done).await?;
            let left: Vec<LetterId> = letters.iter().copied().filter(|id| !done.contains(id)).collect();
            deed.note(&transaction, &scopes(&left), Outcome::Nothing).await?;
            transaction.commit().await?;
            Ok((done, left))
        };
        let work = self.db.within(work).await;
        let (done, left) = self.db.close(connection, work).map_err(|_| StoreDown)?;
        Ok(Changed { done, left: self.where_they_stand(&left).await? })
    }

    /// Where letters stand, each of those asked for once.
    pub(crate) async fn where_they_stand(&self, letters: &[LetterId]) -> Result<Vec<NotThat>, StoreDown> {
        if letters.is_empty() {
            return Ok(Vec::new());
        }
        let sql = format!(
            "SELECT letter_id, {} AS stands FROM dead_letter WHERE letter_id = ANY($1)",
            super::STATE
        );
        let ids: Vec<Uuid> = letters.iter().map(|id| id.as_uuid()).collect();
        let rows = self.db.rows(&sql, &[&ids]).await?;
        let state = |row: &Row| Ok::<_, Failure>((id(row)?, text::parse(row.try_get("stands")?)?));
        let known: Vec<(LetterId, LetterState)> =
            rows.iter().map(state).collect::<Result<_, _>>().map_err(|_| StoreDown)?;
        let stands = |id: &LetterId| known.iter().find(|(one, _)| one == id).map(|(_, state)| *state);
        Ok(letters.iter().map(|id| NotThat { id: *id, state: stands(id) }).collect())
    }
}

/// Locks the plans by which letters were replayed: before the letters, as a run does it.
async fn hold_still(transaction: &Transaction<'_>, letters: &[Uuid]) -> Result<(), Failure> {
    const SQL: &str = "SELECT 1 FROM plan
        WHERE plan_id IN (SELECT plan_id FROM dead_letter WHERE letter_id = ANY($1) AND state = 'replayed')
        ORDER BY plan_id FOR UPDATE";
    transaction.query(SQL, &[&letters]).await?;
    Ok(())
}

pub(super) fn id(row: &Row) -> Result<LetterId, Failure> {
    Ok(LetterId::from_uuid(row.try_get("letter_id")?))
}

/// As acts name them.
pub(super) fn scopes(letters: &[LetterId]) -> Vec<String> {
    letters.iter().map(|id| format!("letter:{id}")).collect()
}
