//! Asking again before the visit.

use domain::{AdmissionId, ports::StoreDown};
use jiff::Timestamp;

use super::{Recheck, Rechecked};
use crate::{
    Store,
    failure::Failure,
    range::storable,
    read::{TRACE, Thread},
    text,
};

impl Store {
    /// Notes somebody to ask about again; noting the same submission twice changes nothing.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn schedule_recheck(&self, recheck: &Recheck) -> Result<(), StoreDown> {
        const SQL: &str = "INSERT INTO eligibility_recheck (admission_id, clinic, due_at, before, envelope)
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (admission_id) DO NOTHING";
        let Recheck { admission, clinic, due_at, before, envelope } = recheck;
        // Both hang on the visit, which is the sender's.
        let (due_at, before) = (storable(*due_at), storable(*before));
        self.db
            .rows(SQL, &[&admission.as_uuid(), &clinic.as_str(), &due_at, &before, envelope])
            .await
            .map(drop)
    }

    /// Those that are due, most urgent visit first. Each is pushed back by `hold`, so that another process does
    /// not ask at the same time, and comes again if its asker dies. Each with what finds it in logs and traces, which is the admission's id
    /// once the submission is no longer kept.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn due_rechecks(
        &self,
        limit: u32,
        hold: jiff::SignedDuration,
    ) -> Result<Vec<(Recheck, Thread)>, StoreDown> {
        let sql = format!(
            "WITH over AS (DELETE FROM eligibility_recheck WHERE before <= $1)
             UPDATE eligibility_recheck r SET due_at = $2
             FROM (SELECT admission_id, due_at FROM eligibility_recheck WHERE due_at <= $1 AND before > $1
                   ORDER BY before LIMIT $3 FOR UPDATE SKIP LOCKED) due
             LEFT JOIN submission s USING (admission_id)
             WHERE r.admission_id = due.admission_id
             RETURNING r.admission_id, r.clinic, due.due_at, r.before, r.envelope,
                coalesce(s.correlation_id, r.admission_id) AS correlation_id, {TRACE} AS trace_id"
        );
        let now = self.clock.now();
        let again = now.checked_add(hold).unwrap_or(Timestamp::MAX);
        let rows = self.db.rows(&sql, &[&now, &again, &i64::from(limit)]).await?;
        let read = |row| Ok::<_, Failure>((recheck(row)?, Thread::read(row)?));
        let mut due: Vec<(Recheck, Thread)> =
            rows.iter().map(read).collect::<Result<_, _>>().map_err(|_| StoreDown)?;
        due.sort_by_key(|(recheck, _)| recheck.before);
        Ok(due)
    }

    /// Records what came of asking again. An answer shows in the submission's row.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn record_recheck(&self, admission: AdmissionId, result: Rechecked) -> Result<(), StoreDown> {
        const ANSWERED: &str = "WITH asked AS (DELETE FROM eligibility_recheck WHERE admission_id = $1)
             UPDATE submission SET eligibility = $2 WHERE admission_id = $1";
        const LATER: &str = "WITH over AS (DELETE FROM eligibility_recheck WHERE admission_id = $1 AND before <= $2)
             UPDATE eligibility_recheck SET due_at = $2, asked = asked + 1 WHERE admission_id = $1 AND before > $2";
        let id = admission.as_uuid();
        match result {
            Rechecked::Answered(status) => self.db.rows(ANSWERED, &[&id, &status.as_str()]).await.map(drop),
            Rechecked::Later(at) => self.db.rows(LATER, &[&id, &at]).await.map(drop),
        }
    }
}

fn recheck(row: &tokio_postgres::Row) -> Result<Recheck, Failure> {
    Ok(Recheck {
        admission: text::admission(row, "admission_id")?,
        clinic: text::clinic(row)?,
        due_at: row.try_get("due_at")?,
        before: row.try_get("before")?,
        envelope: row.try_get("envelope")?,
    })
}
