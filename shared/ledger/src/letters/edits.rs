//! Edits: what people corrected in a dead letter. The values come here sealed; the letter's body is left alone. The database itself refuses
//! an edit that says who the patient is and has no second person.

use deadpool_postgres::Transaction;
use domain::{
    ids::{EditId, LetterId},
    ports::StoreDown,
    template::Field,
};
use jiff::Timestamp;
use serde::Serialize;
use tokio_postgres::Row;
use uuid::Uuid;

use super::{LetterState, STATE};
use crate::{
    Store,
    acts::{Actor, Deed, Outcome, What, names},
    failure::Failure,
    text,
};

names! {
    /// Where an edit stands.
    EditState, UnknownEditState: "not a state of an edit: waiting, in_force, withdrawn or superseded";
    /// A second person has to approve it.
    Waiting = "waiting",
    /// The letter is replayed with it.
    InForce = "in_force",
    /// Somebody took it back.
    Withdrawn = "withdrawn",
    /// A later one took its place.
    Superseded = "superseded",
}

/// An edit in the making.
pub struct NewEdit {
    /// Of which letter.
    pub letter: LetterId,
    /// Which fields.
    pub fields: Vec<Field>,
    /// What they go into: names of effects, and `admission`.
    pub effects: Vec<&'static str>,
    /// The values and what they make, sealed.
    pub sealed: Vec<u8>,
    /// The sealed original with the same corrections, if the submission was admitted before.
    pub original: Option<Vec<u8>>,
    /// A second person has to approve it.
    pub needs_approval: bool,
}

/// An edit, without its values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EditRow {
    /// The edit.
    pub id: EditId,
    /// Of which letter.
    pub letter_id: LetterId,
    /// Which fields.
    pub fields: Vec<String>,
    /// Where it stands.
    pub state: EditState,
    /// Since when.
    pub state_at: Timestamp,
    /// When it was made.
    pub made_at: Timestamp,
    /// Who made it: whoever approves is somebody else.
    pub requester: String,
    /// Why.
    pub reason: String,
    /// Who approved it, where that was needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approver: Option<String>,
}

/// What became of a wish to change the edit of a letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edited {
    /// It is so.
    Done(EditRow),
    /// The letter is not open.
    NotOpen(LetterState),
    /// Whoever asked cannot approve.
    SamePerson,
    /// There is no such letter, or no such edit of it.
    Unknown,
}

const COLUMNS: &str = "edit_id, letter_id, fields, state, state_at, made_at, requester, reason, approver";

impl Store {
    /// Keeps an edit in the place of whichever stood before, which is kept as superseded. Notes the act.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn put_edit(&self, new: &NewEdit, actor: &Actor, reason: &str) -> Result<Edited, StoreDown> {
        let (now, id) = (self.clock.now(), self.clock.fresh_id());
        let sql = format!(
            "INSERT INTO letter_edit (edit_id, letter_id, made_at, requester, reason, fields, effects, sealed,
                original, state, state_at, needs_approval)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $3, $11) RETURNING {COLUMNS}"
        );
        let (state, what) = if new.needs_approval {
            (EditState::Waiting, What::EditRequested)
        } else {
            (EditState::InForce, What::Edited)
        };
        let fields: Vec<&str> = new.fields.iter().map(|field| field.as_str()).collect();
        let mut connection = self.db.open().await.map_err(|_| StoreDown)?;
        let work = async {
            let transaction = connection.transaction().await?;
            if let Some(no) = lock(&transaction, new.letter).await? {
                return Ok(no);
            }
            let before = end(&transaction, new.letter, EditState::Superseded, now).await?;
            let letter = new.letter.as_uuid();
            let row = transaction
                .query_one(
                    &sql,
                    &[
                        &id,
                        &letter,
                        &now,
                        &actor.name,
                        &reason,
                        &fields,
                        &new.effects,
                        &new.sealed,
                        &new.original,
                        &state.as_str(),
                        &new.needs_approval,
                    ],
                )
                .await?;
            let outcome = if before.is_some() { Outcome::Replaced } else { Outcome::Done };
            note(&transaction, (now, what), (new.letter, outcome), actor, reason).await?;
            let row = edit(&row)?;
            transaction.commit().await?;
            Ok(Edited::Done(row))
        };
        let work = self.db.within(work).await;
        self.db.close(connection, work).map_err(|_| StoreDown)
    }

    /// Takes the edit of a letter back, whether it waits or is in force. Notes the act, also if there is none.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn withdraw_edit(
        &self,
        letter: LetterId,
        actor: &Actor,
        reason: &str,
    ) -> Result<Edited, StoreDown> {
        let now = self.clock.now();
        let mut connection = self.db.open().await.map_err(|_| StoreDown)?;
        let work = async {
            let transaction = connection.transaction().await?;
            if let Some(no) = lock(&transaction, letter).await? {
                return Ok(no);
            }
            let gone = end(&transaction, letter, EditState::Withdrawn, now).await?;
            let outcome = if gone.is_some() { Outcome::Done } else { Outcome::Nothing };
            note(&transaction, (now, What::EditWithdrawn), (letter, outcome), actor, reason).await?;
            transaction.commit().await?;
            Ok(gone.map_or(Edited::Unknown, Edited::Done))
        };
        let work = self.db.within(work).await;
        self.db.close(connection, work).map_err(|_| StoreDown)
    }

    /// Approves an edit that waits: from then on it is in force. Notes the act.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn approve_edit(
        &self,
        which: EditId,
        actor: &Actor,
        reason: &str,
    ) -> Result<Edited, StoreDown> {
        const FIND: &str = "SELECT letter_id FROM letter_edit WHERE edit_id = $1 AND state = 'waiting'";
        const ASKED: &str =
            "SELECT requester FROM letter_edit WHERE edit_id = $1 AND state = 'waiting' FOR UPDATE";
        let sql = format!(
            "UPDATE letter_edit SET state = 'in_force', state_at = $3, approver = $2, approved_at = $3
            WHERE edit_id = $1 RETURNING {COLUMNS}"
        );
        let now = self.clock.now();
        let mut connection = self.db.open().await.map_err(|_| StoreDown)?;
        let work = async {
            let transaction = connection.transaction().await?;
            let id = which.as_uuid();
            let Some(row) = transaction.query_opt(FIND, &[&id]).await? else { return Ok(Edited::Unknown) };
            let letter = LetterId::from_uuid(row.try_get("letter_id")?);
            // The letter first, as everywhere.
            if let Some(no) = lock(&transaction, letter).await? {
                return Ok(no);
            }
            let Some(row) = transaction.query_opt(ASKED, &[&id]).await? else { return Ok(Edited::Unknown) };
            if row.try_get::<_, &str>("requester")? == actor.name {
                // That somebody tried is worth knowing.
                note(&transaction, (now, What::EditApproved), (letter, Outcome::Refused), actor, reason)
                    .await?;
                transaction.commit().await?;
                return Ok(Edited::SamePerson);
            }
            let row = edit(&transaction.query_one(&sql, &[&id, &actor.name, &now]).await?)?;
            note(&transaction, (now, What::EditApproved), (letter, Outcome::Done), actor, reason).await?;
            transaction.commit().await?;
            Ok(Edited::Done(row))
        };
        let work = self.db.within(work).await;
        self.db.close(connection, work).map_err(|_| StoreDown)
    }

    /// The edits that wait for a second person, oldest first.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn edits_waiting(&self) -> Result<Vec<EditRow>, StoreDown> {
        let sql =
            format!("SELECT {COLUMNS} FROM letter_edit WHERE state = 'waiting' ORDER BY made_at, edit_id");
        self.db.rows(&sql, &[]).await?.iter().map(|row| edit(row).map_err(|_| StoreDown)).collect()
    }

    /// All edits of a letter, oldest first.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn edits(&self, letter: LetterId) -> Result<Vec<EditRow>, StoreDown> {
        let sql = format!("SELECT {COLUMNS} FROM letter_edit WHERE letter_id = $1 ORDER BY made_at, edit_id");
        let rows = self.db.rows(&sql, &[&letter.as_uuid()]).await?;
        rows.iter().map(|row| edit(row).map_err(|_| StoreDown)).collect()
    }
}

/// Locks a letter, so that it is neither replayed nor edited meanwhile. `Some`: it is not to be edited.
async fn lock(transaction: &Transaction<'_>, letter: LetterId) -> Result<Option<Edited>, Failure> {
    let sql = format!("SELECT {STATE} AS stands FROM dead_letter WHERE letter_id = $1 FOR UPDATE");
    let Some(row) = transaction.query_opt(&sql, &[&letter.as_uuid()]).await? else {
        return Ok(Some(Edited::Unknown));
    };
    let stands: LetterState = text::parse(row.try_get("stands")?)?;
    Ok((stands != LetterState::Open).then_some(Edited::NotOpen(stands)))
}

/// Ends whichever edit of the letter stands.
async fn end(
    transaction: &Transaction<'_>,
    letter: LetterId,
    state: EditState,
    now: Timestamp,
) -> Result<Option<EditRow>, Failure> {
    let sql = format!(
        "UPDATE letter_edit SET state = $2, state_at = $3
        WHERE letter_id = $1 AND state IN ('waiting', 'in_force') RETURNING {COLUMNS}"
    );
    let row = transaction.query_opt(&sql, &[&letter.as_uuid(), &state.as_str(), &now]).await?;
    row.map(|row| edit(&row)).transpose()
}

async fn note(
    transaction: &Transaction<'_>,
    (at, what): (Timestamp, What),
    (letter, outcome): (LetterId, Outcome),
    actor: &Actor,
    reason: &str,
) -> Result<(), Failure> {
    let scope = super::state::scopes(&[letter]);
    Deed { at, actor, what, reason }.note(transaction, &scope, outcome).await
}

fn edit(row: &Row) -> Result<EditRow, Failure> {
    Ok(EditRow {
        id: EditId::from_uuid(row.try_get::<_, Uuid>("edit_id")?),
        letter_id: LetterId::from_uuid(row.try_get("letter_id")?),
        fields: row.try_get("fields")?,
        state: text::parse(row.try_get("state")?)?,
        state_at: row.try_get("state_at")?,
        made_at: row.try_get("made_at")?,
        requester: row.try_get("requester")?,
        reason: row.try_get("reason")?,
        approver: row.try_get("approver")?,
    })
}
