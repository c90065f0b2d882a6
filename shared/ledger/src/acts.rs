//! What people did to the line, and why: who, in which role, what, to what, and what came of it. Appended by the statement that
//! does it, so that no act is without its row and no row without its act; never changed.

use deadpool_postgres::Transaction;
use domain::ports::StoreDown;
use jiff::Timestamp;
use tokio_postgres::Row;

use crate::{Store, failure::Failure, text};

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The name that the audit trail knows: a token's.
    pub name: String,
    /// The role that let it in.
    pub role: String,
}

macro_rules! names {
    ($(#[$doc:meta])* $type:ident, $error:ident: $message:literal; $($(#[$one:meta])* $variant:ident = $name:literal),+ $(,)?) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $type { $($(#[$one])* $variant),+ }

        impl $type {
            /// The closed list.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The name in rows and reports.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl std::str::FromStr for $type {
            type Err = $error;
            fn from_str(text: &str) -> Result<Self, $error> {
                Self::ALL.iter().copied().find(|one| one.as_str() == text).ok_or($error)
            }
        }

        /// The text is not in the list.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
        #[error($message)]
        pub struct $error;
    };
}
pub(crate) use names;

names! {
    /// What was done.
    What, UnknownWhat: "not an act: see the list in the OpenAPI document";
    /// A scope was paused.
    Paused = "paused",
    /// A scope was resumed.
    Resumed = "resumed",
    /// Dead letters were frozen into a plan, and dry-run.
    Planned = "planned",
    /// A plan's run was begun.
    ReplayStarted = "replay_started",
    /// A plan's run was ended.
    ReplayCancelled = "replay_cancelled",
    /// A dead letter was put aside.
    Archived = "archived",
    /// A dead letter was taken up again.
    Restored = "restored",
    /// It was asked that dead letters be discarded.
    DiscardRequested = "discard_requested",
    /// A dead letter was discarded, by the second person.
    Discarded = "discarded",
    /// A patient's submissions were looked up by phone or e-mail.
    LookedUp = "looked_up",
    /// Something that was held was decided.
    Decided = "decided",
    /// A field of a dead letter was shown to a person.
    Revealed = "revealed",
    /// A dead letter was edited.
    Edited = "edited",
    /// It was asked that a dead letter be edited in what says who the patient is.
    EditRequested = "edit_requested",
    /// An edit was approved, by the second person.
    EditApproved = "edit_approved",
    /// An edit was taken back.
    EditWithdrawn = "edit_withdrawn",
    /// Submissions of a reconciliation were published again.
    Redriven = "redriven",
}

names! {
    /// What came of it.
    Outcome, UnknownOutcome: "not the outcome of an act: done, replaced, nothing or refused";
    /// It was done.
    Done = "done",
    /// It was done in place of what was in force.
    Replaced = "replaced",
    /// There was nothing to do it to.
    Nothing = "nothing",
    /// It was refused: it takes another person.
    Refused = "refused",
}

/// One act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// Its place in the order of acts.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// What.
    pub what: What,
    /// To what, such as `clinic:clinic-01`.
    pub scope: String,
    /// Why.
    pub reason: String,
    /// Until when it holds, where it ends by itself.
    pub until: Option<Timestamp>,
    /// What came of it.
    pub outcome: Outcome,
}

/// Which acts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ActFilter {
    /// Of one name.
    pub actor: Option<String>,
    /// Of one kind.
    pub what: Option<What>,
    /// To one scope.
    pub scope: Option<String>,
    /// At or after.
    pub from: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
}

impl Store {
    /// At most `limit` acts, newest first, of those before the act numbered `before`.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn acts(
        &self,
        filter: &ActFilter,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Act>, StoreDown> {
        const SQL: &str = "SELECT seq, at, actor, role, what, outcome, scope, reason, until FROM act
            WHERE ($1::bigint IS NULL OR seq < $1) AND ($2::text IS NULL OR actor = $2)
                AND ($3::text IS NULL OR what = $3) AND ($4::text IS NULL OR scope = $4)
                AND ($5::timestamptz IS NULL OR at >= $5) AND ($6::timestamptz IS NULL OR at < $6)
            ORDER BY seq DESC LIMIT $7";
        let ActFilter { actor, what, scope, from, until } = filter;
        let what = what.map(What::as_str);
        let rows = self.db.rows(SQL, &[&before, actor, &what, scope, from, until, &i64::from(limit)]).await?;
        rows.iter().map(|row| act(row).map_err(|_| StoreDown)).collect()
    }
}

/// An act in the making, to be noted in the transaction that does it.
pub(crate) struct Deed<'a> {
    pub(crate) at: Timestamp,
    pub(crate) actor: &'a Actor,
    pub(crate) what: What,
    pub(crate) reason: &'a str,
}

impl Deed<'_> {
    /// Notes it, once for each of the scopes.
    pub(crate) async fn note(
        &self,
        transaction: &Transaction<'_>,
        scopes: &[String],
        outcome: Outcome,
    ) -> Result<(), Failure> {
        const SQL: &str = "INSERT INTO act (at, actor, role, what, outcome, scope, reason)
            SELECT $1, $2, $3, $4, $5, scope, $6 FROM unnest($7::text[]) AS scope";
        let Self { at, actor: Actor { name, role }, what, reason } = self;
        let statement = transaction.prepare_cached(SQL).await?;
        let (what, outcome) = (what.as_str(), outcome.as_str());
        transaction.execute(&statement, &[at, name, role, &what, &outcome, reason, &scopes]).await?;
        Ok(())
    }
}

fn act(row: &Row) -> Result<Act, Failure> {
    Ok(Act {
        seq: row.try_get("seq")?,
        at: row.try_get("at")?,
        actor: Actor { name: row.try_get("actor")?, role: row.try_get("role")? },
        what: text::parse(row.try_get("what")?)?,
        scope: row.try_get("scope")?,
        reason: row.try_get("reason")?,
        until: row.try_get("until")?,
        outcome: text::parse(row.try_get("outcome")?)?,
    })
}

#[cfg(test)]
mod tests {
    use super::{Outcome, What};

    #[test]
    fn names_read_back() {
        for what in What::ALL {
            assert_eq!(what.as_str().parse(), Ok(*what));
        }
        for outcome in Outcome::ALL {
            assert_eq!(outcome.as_str().parse(), Ok(*outcome));
        }
        assert!("lost".parse::<What>().is_err() && "lost".parse::<Outcome>().is_err());
    }
}
