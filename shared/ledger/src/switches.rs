//! What is paused, by whom, why and until when. Every change is an act, and noted as one.

use domain::ports::{Pending, StoreDown, SwitchBoard, SwitchScope};
use jiff::Timestamp;
use tokio_postgres::Row;

use crate::{
    Store,
    acts::{Actor, Outcome, What},
    failure::Failure,
    text,
};

/// A scope that is paused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// What.
    pub scope: SwitchScope,
    /// Who said so.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
    /// Until when; `None`: until it is resumed.
    pub until: Option<Timestamp>,
}

impl Store {
    /// Pauses a scope, as the pause's actor in a role, and notes the act: [`Outcome::Replaced`] if a pause was in force.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn pause(&self, pause: &Pause, role: &str) -> Result<Outcome, StoreDown> {
        // One statement: the act's row is there if and only if the switch's is.
        const SQL: &str = "WITH earlier AS (SELECT FROM switch WHERE scope = $1 AND (until IS NULL OR until > $4)),
             put AS (INSERT INTO switch (scope, actor, reason, since, until) VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (scope) DO UPDATE SET actor = excluded.actor, reason = excluded.reason,
                     since = excluded.since, until = excluded.until RETURNING scope)
             INSERT INTO act (at, actor, role, what, outcome, scope, reason, until)
             SELECT $4, $2, $6, $7, CASE WHEN EXISTS (SELECT FROM earlier) THEN $8 ELSE $9 END, scope, $3, $5 FROM put
             RETURNING outcome";
        let (what, replaced, done) =
            (What::Paused.as_str(), Outcome::Replaced.as_str(), Outcome::Done.as_str());
        let Pause { scope, actor, reason, since, until } = pause;
        let scope = scope.to_string();
        let rows =
            self.db.rows(SQL, &[&scope, actor, reason, since, until, &role, &what, &replaced, &done]).await?;
        let outcome = |row: &Row| text::parse(row.try_get("outcome")?);
        rows.first().ok_or(Failure::Data).and_then(outcome).map_err(|_| StoreDown)
    }

    /// Ends a pause, and notes the act. `None`: there was none in force; that is noted too.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn resume(
        &self,
        scope: &SwitchScope,
        actor: &Actor,
        reason: &str,
    ) -> Result<Option<Pause>, StoreDown> {
        const SQL: &str =
            "WITH gone AS (DELETE FROM switch WHERE scope = $1 RETURNING scope, actor, reason, since, until),
             ended AS (SELECT * FROM gone WHERE until IS NULL OR until > $2),
             noted AS (INSERT INTO act (at, actor, role, what, outcome, scope, reason)
                 VALUES ($2, $3, $4, $5, CASE WHEN EXISTS (SELECT FROM ended) THEN $6 ELSE $7 END, $1, $8))
             SELECT * FROM ended";
        let (what, done, nothing) =
            (What::Resumed.as_str(), Outcome::Done.as_str(), Outcome::Nothing.as_str());
        let (scope, now, Actor { name, role }) = (scope.to_string(), self.clock.now(), actor);
        let rows = self.db.rows(SQL, &[&scope, &now, name, role, &what, &done, &nothing, &reason]).await?;
        rows.first().map(|row| pause(row).map_err(|_| StoreDown)).transpose()
    }

    /// All pauses in force, oldest first.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn pauses(&self) -> Result<Vec<Pause>, StoreDown> {
        const SQL: &str = "SELECT scope, actor, reason, since, until FROM switch
             WHERE until IS NULL OR until > $1 ORDER BY since, scope";
        let rows = self.db.rows(SQL, &[&self.clock.now()]).await?;
        rows.iter().map(|row| pause(row).map_err(|_| StoreDown)).collect()
    }
}

impl SwitchBoard for Store {
    fn paused(&self) -> Pending<Result<Vec<SwitchScope>, StoreDown>> {
        let store = self.clone();
        Box::pin(async move { Ok(store.pauses().await?.into_iter().map(|pause| pause.scope).collect()) })
    }
}

fn pause(row: &Row) -> Result<Pause, Failure> {
    Ok(Pause {
        scope: text::parse(row.try_get("scope")?)?,
        actor: row.try_get("actor")?,
        reason: row.try_get("reason")?,
        since: row.try_get("since")?,
        until: row.try_get("until")?,
    })
}
