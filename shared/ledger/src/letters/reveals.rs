//! Who looked at a field of a dead letter, and what for. Committed before anybody sees the value, which is never here.

use domain::{ids::LetterId, ports::StoreDown, template::Field};
use jiff::{SignedDuration, Timestamp};

use crate::{
    Store,
    acts::{Actor, Outcome, What, names},
    failure::Failure,
};

/// How long whoever looked may look at the same field of the same letter again.
const WINDOW: SignedDuration = SignedDuration::from_mins(5);

names! {
    /// Which of the two bodies of a letter is looked into.
    Part, UnknownPart: "not a part of a dead letter: original or edit";
    /// As it died.
    Original = "original",
    /// As people corrected it.
    Edit = "edit",
}

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// The letter.
    pub letter: LetterId,
    /// Which of its bodies.
    pub part: Part,
    /// The field.
    pub field: Field,
}

/// Whether somebody may look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allowed {
    /// They may, until then. It is committed.
    Until(Timestamp),
    /// They have not said what for, or that was too long ago.
    NeedsPurpose,
}

impl Store {
    /// Lets somebody look at a field for five minutes, and notes the act: who, what for, which letter, which field. Within that time they may
    /// look again, and nothing is noted. When this returns it is committed.
    ///
    /// # Errors
    /// [`StoreDown`]: they may not look.
    pub async fn allow_look(
        &self,
        look: Look,
        actor: &Actor,
        purpose: Option<&str>,
    ) -> Result<Allowed, StoreDown> {
        const STANDS: &str = "SELECT until FROM reveal_grant
            WHERE actor = $1 AND letter_id = $2 AND part = $3 AND field = $4 AND until > $5";
        const GIVE: &str = "INSERT INTO reveal_grant (actor, letter_id, part, field, given_at, until)
            VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (actor, letter_id, part, field)
                DO UPDATE SET given_at = excluded.given_at, until = excluded.until
            RETURNING until";
        const NOTE: &str = "INSERT INTO act (at, actor, role, what, outcome, scope, reason, until)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        let (now, Actor { name, role }, id) = (self.clock.now(), actor, look.letter.as_uuid());
        let (part, field) = (look.part.as_str(), look.field.as_str());
        let until = now.checked_add(WINDOW).map_err(|_| StoreDown)?;
        let mut connection = self.db.open().await.map_err(|_| StoreDown)?;
        let work = async {
            let transaction = connection.transaction().await?;
            if let Some(row) = transaction.query_opt(STANDS, &[name, &id, &part, &field, &now]).await? {
                return Ok::<_, Failure>(Allowed::Until(row.try_get("until")?));
            }
            let Some(purpose) = purpose else { return Ok(Allowed::NeedsPurpose) };
            // As the row has it: a later look is told the same.
            let row = transaction.query_one(GIVE, &[name, &id, &part, &field, &now, &until]).await?;
            let until: Timestamp = row.try_get("until")?;
            let (what, done, scope) = (What::Revealed.as_str(), Outcome::Done.as_str(), scope(look));
            transaction.execute(NOTE, &[&now, name, role, &what, &done, &scope, &purpose, &until]).await?;
            transaction.commit().await?;
            Ok(Allowed::Until(until))
        };
        let work = self.db.within(work).await;
        self.db.close(connection, work).map_err(|_| StoreDown)
    }
}

/// As the acts name it.
fn scope(look: Look) -> String {
    let of = match look.part {
        Part::Original => "letter",
        Part::Edit => "the edit of letter",
    };
    format!("{} of {of}:{}", look.field.as_str(), look.letter)
}
