//! Submissions by anything that names them; and by a blind index, which is an act and noted as one.

use domain::{ClinicId, blind::BlindIndex, ports::StoreDown};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::{
    Store,
    acts::{Actor, Outcome, What},
    failure::Failure,
    read::{STATUS_COLUMNS, Status, status_row},
    text,
};

crate::acts::names! {
    /// What a text is to a submission.
    Naming, UnknownNaming: "not a name of a submission";
    /// The sender's identifier.
    Submission = "submission",
    /// The EHR's id of the appointment.
    Appointment = "appointment",
    /// The id of its row.
    Admission = "admission",
    /// The correlation id.
    Correlation = "correlation",
    /// The id of a message that one of its hops handled.
    Message = "message",
    /// The id of a trace that one of its hops belongs to.
    Trace = "trace",
    /// The person's phone.
    Phone = "phone",
    /// The person's e-mail.
    Email = "email",
}

/// Whom to look up by blind indexes, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookUp {
    /// What was asked for.
    pub by: Naming,
    /// Its blind index at each clinic that is looked at.
    pub indexes: Vec<(ClinicId, BlindIndex)>,
    /// Who asks.
    pub actor: Actor,
    /// What for.
    pub purpose: String,
}

impl Store {
    /// At most `limit` submissions that a text names, each once, in the order of admission, with what the text is of each.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn named(
        &self,
        name: &str,
        clinic: Option<&ClinicId>,
        limit: u32,
    ) -> Result<Vec<(Naming, Status)>, StoreDown> {
        let sql = format!(
            "WITH named AS (
                SELECT 1 AS rank, 'submission' AS naming, admission_id FROM submission WHERE submission_id = $1 AND NOT copy
                UNION ALL SELECT 1, 'submission', admission_id FROM submission WHERE submission_id = $1 AND copy
                UNION ALL SELECT 2, 'appointment', admission_id FROM submission WHERE appointment = $1
                UNION ALL SELECT 3, 'admission', admission_id FROM submission WHERE admission_id = $2
                UNION ALL SELECT 4, 'correlation', admission_id FROM submission WHERE correlation_id = $2
                UNION ALL SELECT 5, 'message', admission_id FROM journal WHERE message_id = $2
                UNION ALL SELECT 6, 'trace', admission_id FROM journal WHERE trace_id = $3),
            once AS (SELECT DISTINCT ON (admission_id) naming, admission_id FROM named
                WHERE admission_id IS NOT NULL ORDER BY admission_id, rank)
            SELECT n.naming, {STATUS_COLUMNS} FROM once n JOIN submission s USING (admission_id)
            WHERE $4::text IS NULL OR s.clinic = $4 ORDER BY s.seq LIMIT $5"
        );
        // A trace id is a UUID's 32 digits without dashes: it may be either.
        let id = Uuid::parse_str(name).ok();
        let trace = Some(name.to_ascii_lowercase()).filter(|text| text.len() == 32 && id.is_some());
        let clinic = clinic.map(ClinicId::as_str);
        let rows = self.db.rows(&sql, &[&name, &id, &trace, &clinic, &i64::from(limit)]).await?;
        let found = |row: &Row| Ok::<_, Failure>((text::parse(row.try_get("naming")?)?, status_row(row)?));
        rows.iter().map(|row| found(row).map_err(|_| StoreDown)).collect()
    }

    /// At most `limit` submissions of the persons that one of the indexes finds, in the order of admission. The act is noted by the
    /// same statement, also if nobody is found; neither the index nor what it was made of is in it.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn look_up(&self, wanted: &LookUp, limit: u32) -> Result<Vec<Status>, StoreDown> {
        let sql = format!(
            "WITH found AS (
                SELECT {STATUS_COLUMNS} FROM submission s WHERE s.person_id IN (
                    SELECT b.person_id FROM unnest($1::text[], $2::bytea[]) AS w (clinic, block)
                    JOIN person_block b USING (clinic, block))
                ORDER BY s.seq LIMIT $3),
            noted AS (INSERT INTO act (at, actor, role, what, outcome, scope, reason)
                VALUES ($4, $5, $6, $7, CASE WHEN EXISTS (SELECT FROM found) THEN $8 ELSE $9 END, $10, $11))
            SELECT * FROM found ORDER BY seq"
        );
        let LookUp { by, indexes, actor: Actor { name, role }, purpose } = wanted;
        let clinics: Vec<&str> = indexes.iter().map(|(clinic, _)| clinic.as_str()).collect();
        let blocks: Vec<&[u8]> = indexes.iter().map(|(_, index)| index.as_bytes().as_slice()).collect();
        let (what, done, nothing) =
            (What::LookedUp.as_str(), Outcome::Done.as_str(), Outcome::Nothing.as_str());
        // At which clinic, if at one alone.
        let scope = match clinics.as_slice() {
            [clinic] => format!("{by} at clinic:{clinic}"),
            _ => by.to_string(),
        };
        let (limit, now) = (i64::from(limit), self.clock.now());
        let rows = self
            .db
            .rows(
                &sql,
                &[&clinics, &blocks, &limit, &now, name, role, &what, &done, &nothing, &scope, purpose],
            )
            .await?;
        rows.iter().map(|row| status_row(row).map_err(|_| StoreDown)).collect()
    }
}
