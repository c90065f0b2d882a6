//! What is paused, by whom, why and until when.

use domain::{
    Endpoint, Stage,
    ports::{Pending, StoreDown, SwitchBoard, SwitchScope},
};
use jiff::Timestamp;

use crate::{Store, failure::Failure, text};

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
    /// Pauses a scope; a pause that is there already is replaced.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn pause(&self, pause: &Pause) -> Result<(), StoreDown> {
        const SQL: &str =
            "INSERT INTO switch (scope, actor, reason, since, until) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (scope) DO UPDATE SET actor = excluded.actor, reason = excluded.reason,
                 since = excluded.since, until = excluded.until";
        let scope = scope_text(&pause.scope);
        self.db.rows(SQL, &[&scope, &pause.actor, &pause.reason, &pause.since, &pause.until]).await.map(drop)
    }

    /// Ends a pause. `false`: there was none in force.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn resume(&self, scope: &SwitchScope) -> Result<bool, StoreDown> {
        const SQL: &str = "DELETE FROM switch WHERE scope = $1 RETURNING until";
        let now = self.clock.now();
        let rows = self.db.rows(SQL, &[&scope_text(scope)]).await?;
        Ok(rows.iter().any(|row| {
            row.try_get::<_, Option<Timestamp>>("until").is_ok_and(|until| until.is_none_or(|end| end > now))
        }))
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

fn pause(row: &tokio_postgres::Row) -> Result<Pause, Failure> {
    Ok(Pause {
        scope: scope(row.try_get("scope")?)?,
        actor: row.try_get("actor")?,
        reason: row.try_get("reason")?,
        since: row.try_get("since")?,
        until: row.try_get("until")?,
    })
}

fn scope_text(scope: &SwitchScope) -> String {
    match scope {
        SwitchScope::Stage(stage) => format!("stage:{stage}"),
        SwitchScope::Lane(lane) => format!("lane:{lane}"),
        SwitchScope::Clinic(clinic) => format!("clinic:{clinic}"),
        SwitchScope::Endpoint(endpoint) => endpoint.to_string(),
    }
}

fn scope(text: &str) -> Result<SwitchScope, Failure> {
    let (kind, name) = text.split_once(':').ok_or(Failure::Data)?;
    Ok(match kind {
        "stage" => SwitchScope::Stage(text::parse::<Stage>(name)?),
        "lane" => SwitchScope::Lane(text::parse(name)?),
        "clinic" => SwitchScope::Clinic(text::parse(name)?),
        "ehr" => SwitchScope::Endpoint(Endpoint::ehr(name)),
        "payer" => SwitchScope::Endpoint(Endpoint::payer(name)),
        "messenger" => SwitchScope::Endpoint(Endpoint::messenger(name)),
        _ => return Err(Failure::Data),
    })
}

#[cfg(test)]
mod tests {
    use domain::{Endpoint, Stage, ports::SwitchScope};

    use super::{scope, scope_text};

    #[test]
    fn every_scope_reads_back() {
        let scopes = [
            SwitchScope::Stage(Stage::EhrWriter),
            SwitchScope::Lane("default".parse().unwrap()),
            SwitchScope::Clinic("clinic-01".parse().unwrap()),
            SwitchScope::Endpoint(Endpoint::ehr("main")),
            SwitchScope::Endpoint(Endpoint::payer("aetna:tx")),
            SwitchScope::Endpoint(Endpoint::messenger("smtp")),
        ];
        for it in scopes {
            assert_eq!(scope(&scope_text(&it)).unwrap(), it);
        }
        for bad in ["", "stage", "stage:x", "lane:", "clinic:A", "other:x"] {
            assert!(scope(bad).is_err(), "{bad}");
        }
    }
}
