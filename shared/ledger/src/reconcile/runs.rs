//! The results, kept.

use domain::{
    AdmissionId, ClinicId,
    ports::StoreDown,
    reconcile::{Compared, Difference, Kind},
};
use jiff::{Timestamp, civil::Date};
use tokio_postgres::{Row as SqlRow, types::Json};
use uuid::Uuid;

use crate::{
    Store,
    acts::{Actor, Outcome, What},
    failure::Failure,
    text,
};

/// A reconciliation, without its differences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its name.
    pub id: Uuid,
    /// The day that was compared, at each clinic by its own clock.
    pub day: Date,
    /// Of one clinic, or of all.
    pub clinic: Option<ClinicId>,
    /// Whether ops did it by itself.
    pub daily: bool,
    /// Who did it.
    pub actor: String,
    /// When it began.
    pub begun_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// The counts that were compared.
    pub compared: Vec<Compared>,
    /// What could not be compared, and why.
    pub gaps: Vec<String>,
}

/// One difference of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The difference.
    pub difference: Difference,
    /// When its submission was published again.
    pub redriven_at: Option<Timestamp>,
}

/// A run that is kept, with the number of its differences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The run.
    pub run: Run,
    /// By kind and clinic.
    pub differences: Vec<(Kind, Option<ClinicId>, u64)>,
}

const COLUMNS: &str = "run_id, day, clinic, daily, actor, begun_at, ended_at, compared, gaps";

impl Store {
    /// Keeps a run with its differences, all or nothing. A daily run of a day that has one already is not kept: `false`.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn keep_run(&self, run: &Run, differences: &[Difference]) -> Result<bool, StoreDown> {
        const SQL: &str = "WITH kept AS (
                INSERT INTO reconciliation_run (run_id, day, clinic, daily, actor, begun_at, ended_at, compared, gaps)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING RETURNING run_id),
            listed AS (
                INSERT INTO reconciliation_row (run_id, n, kind, clinic, admission_id, difference)
                SELECT run_id, n, kind, clinic, admission_id, difference FROM kept,
                    unnest($10::int[], $11::text[], $12::text[], $13::uuid[], $14::jsonb[])
                        AS u (n, kind, clinic, admission_id, difference))
            SELECT run_id FROM kept";
        let Run { id, day, clinic, daily, actor, begun_at, ended_at, compared, gaps } = run;
        let clinic = clinic.as_ref().map(ClinicId::as_str);
        let numbers: Vec<i32> = (1..).take(differences.len()).collect();
        let kinds: Vec<&str> = differences.iter().map(|one| one.kind.as_str()).collect();
        let clinics: Vec<_> =
            differences.iter().map(|one| one.clinic_id.as_ref().map(ClinicId::as_str)).collect();
        let admissions: Vec<_> =
            differences.iter().map(|one| one.admission_id.map(|id| id.as_uuid())).collect();
        let bodies: Vec<Json<&Difference>> = differences.iter().map(Json).collect();
        let rows = self
            .db
            .rows(
                SQL,
                &[
                    id,
                    day,
                    &clinic,
                    daily,
                    actor,
                    begun_at,
                    ended_at,
                    &Json(compared),
                    gaps,
                    &numbers,
                    &kinds,
                    &clinics,
                    &admissions,
                    &bodies,
                ],
            )
            .await?;
        Ok(!rows.is_empty())
    }

    /// The newest runs, `limit` at most, newest first.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn runs(&self, limit: u32) -> Result<Vec<Kept>, StoreDown> {
        let sql = format!("SELECT {COLUMNS} FROM reconciliation_run ORDER BY begun_at DESC, run_id LIMIT $1");
        let rows = self.db.rows(&sql, &[&i64::from(limit)]).await?;
        self.with_counts(&rows).await
    }

    /// The daily run of the newest day, of those until a day: what a clock that was ahead has done of later ones does not count.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn last_daily(&self, until: Date) -> Result<Option<Kept>, StoreDown> {
        let sql = format!(
            "SELECT {COLUMNS} FROM reconciliation_run WHERE daily AND day <= $1 ORDER BY day DESC LIMIT 1"
        );
        let rows = self.db.rows(&sql, &[&until]).await?;
        Ok(self.with_counts(&rows).await?.pop())
    }

    /// One run with its differences.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn run(&self, id: Uuid) -> Result<Option<(Run, Vec<Row>)>, StoreDown> {
        const ROWS: &str =
            "SELECT difference, redriven_at FROM reconciliation_row WHERE run_id = $1 ORDER BY n";
        let sql = format!("SELECT {COLUMNS} FROM reconciliation_run WHERE run_id = $1");
        let found = self.db.rows(&sql, &[&id]).await?;
        let Some(found) = found.first() else { return Ok(None) };
        let rows = self.db.rows(ROWS, &[&id]).await?;
        let read = || Ok::<_, Failure>((run(found)?, rows.iter().map(row).collect::<Result<_, _>>()?));
        read().map(Some).map_err(|_| StoreDown)
    }

    /// Notes that submissions of a run are about to be published again, as an act: before they are, so that whatever happens then, who did it
    /// and why is known. [`Outcome::Nothing`]: none of them is of the run.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn redrive(
        &self,
        id: Uuid,
        admissions: &[AdmissionId],
        actor: &Actor,
        reason: &str,
    ) -> Result<Outcome, StoreDown> {
        const SQL: &str = "INSERT INTO act (at, actor, role, what, outcome, scope, reason)
            SELECT $3::timestamptz, $4::text, $5::text, $6::text, CASE WHEN EXISTS (SELECT FROM reconciliation_row
                WHERE run_id = $1 AND admission_id = ANY ($2)) THEN $7::text ELSE $8::text END, $9::text, $10::text
            RETURNING outcome";
        let ids: Vec<Uuid> = admissions.iter().map(|id| id.as_uuid()).collect();
        let (what, done, nothing) =
            (What::Redriven.as_str(), Outcome::Done.as_str(), Outcome::Nothing.as_str());
        let (now, scope, Actor { name, role }) = (self.clock.now(), format!("reconciliation:{id}"), actor);
        let rows = self
            .db
            .rows(SQL, &[&id, &ids, &now, name, role, &what, &done, &nothing, &scope, &reason])
            .await?;
        let outcome = |row: &SqlRow| text::parse(row.try_get("outcome")?);
        rows.first().ok_or(Failure::Data).and_then(outcome).map_err(|_| StoreDown)
    }

    /// Notes that a submission of a run was published again: the broker has confirmed it.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn redriven(&self, id: Uuid, admission: AdmissionId) -> Result<(), StoreDown> {
        const SQL: &str =
            "UPDATE reconciliation_row SET redriven_at = $3 WHERE run_id = $1 AND admission_id = $2";
        self.db.rows(SQL, &[&id, &admission.as_uuid(), &self.clock.now()]).await.map(drop)
    }

    async fn with_counts(&self, rows: &[SqlRow]) -> Result<Vec<Kept>, StoreDown> {
        const COUNTS: &str = "SELECT run_id, kind, clinic, count(*) AS n FROM reconciliation_row
            WHERE run_id = ANY ($1) GROUP BY 1, 2, 3 ORDER BY 2, 3 NULLS LAST";
        let read = || rows.iter().map(run).collect::<Result<Vec<Run>, Failure>>();
        let runs = read().map_err(|_| StoreDown)?;
        let ids: Vec<Uuid> = runs.iter().map(|run| run.id).collect();
        let counts = self.db.rows(COUNTS, &[&ids]).await?;
        let mut kept: Vec<Kept> = runs.into_iter().map(|run| Kept { run, differences: Vec::new() }).collect();
        for row in &counts {
            let count = || {
                let kind: &str = row.try_get("kind")?;
                let kind = Kind::ALL.into_iter().find(|one| one.as_str() == kind).ok_or(Failure::Data)?;
                let n = u64::try_from(row.try_get::<_, i64>("n")?).map_err(|_| Failure::Data)?;
                Ok::<_, Failure>((
                    row.try_get::<_, Uuid>("run_id")?,
                    kind,
                    text::parse_opt(row.try_get("clinic")?)?,
                    n,
                ))
            };
            let (id, kind, clinic, n) = count().map_err(|_| StoreDown)?;
            if let Some(one) = kept.iter_mut().find(|one| one.run.id == id) {
                one.differences.push((kind, clinic, n));
            }
        }
        Ok(kept)
    }
}

fn run(row: &SqlRow) -> Result<Run, Failure> {
    Ok(Run {
        id: row.try_get("run_id")?,
        day: row.try_get("day")?,
        clinic: text::parse_opt(row.try_get("clinic")?)?,
        daily: row.try_get("daily")?,
        actor: row.try_get("actor")?,
        begun_at: row.try_get("begun_at")?,
        ended_at: row.try_get("ended_at")?,
        compared: row.try_get::<_, Json<Vec<Compared>>>("compared")?.0,
        gaps: row.try_get("gaps")?,
    })
}

fn row(row: &SqlRow) -> Result<Row, Failure> {
    Ok(Row {
        difference: row.try_get::<_, Json<Difference>>("difference")?.0,
        redriven_at: row.try_get("redriven_at")?,
    })
}
