//! What was admitted and has not come to where it stands: what a lost broker takes along, and where it is brought back from.

use domain::{AdmissionId, ClinicId, CorrelationId, MessageId, ports::StoreDown};
use jiff::Timestamp;
use tokio_postgres::Row;
use uuid::Uuid;

use super::status::State;
use crate::{Store, failure::Failure, text};

/// Rows of `submission` that one statement looks at: no statement takes long, however many there are.
const WINDOW: i64 = 20_000;

/// Which rows `s` of `submission` are unfinished.
const UNFINISHED: &str = "(s.state = 'in_flight'
    OR NOT EXISTS (SELECT FROM journal j WHERE j.admission_id = s.admission_id))";

/// A submission that nobody is known to have handed on to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// Its row.
    pub admission: AdmissionId,
    /// The clinic.
    pub clinic: ClinicId,
    /// The message that brought it.
    pub message: MessageId,
    /// The correlation id.
    pub correlation: CorrelationId,
    /// Where its row says that it stands: in flight, or what validation decided without having said so in the journal.
    pub state: State,
    /// When we first saw it.
    pub received_at: Timestamp,
    /// The start of the visit that it asks for.
    pub appointment_at: Option<Timestamp>,
}

/// What waits for a person, and what of it lies in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stopped {
    /// Held with the envelope that goes on.
    pub held: u64,
    /// Dead, with the original for a replay.
    pub dead: u64,
}

impl Store {
    /// The submissions, in the order of their admission, that are in flight, or about which the journal says nothing: those
    /// were admitted, and nobody knows that the message was answered. Later admissions than the call are not among them.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn unfinished(
        &self,
        clinic: Option<&ClinicId>,
        received_before: Option<Timestamp>,
    ) -> Result<Vec<Unfinished>, StoreDown> {
        const LAST: &str = "SELECT coalesce(max(seq), 0) AS last FROM submission";
        let page = format!(
            "SELECT s.admission_id, s.clinic, s.message_id, s.correlation_id, s.state, s.received_at, s.appointment_at
            FROM submission s
            WHERE s.seq > $1 AND s.seq <= $2 AND ($3::text IS NULL OR s.clinic = $3) AND ($4::timestamptz IS NULL OR s.received_at < $4)
                AND {UNFINISHED}
            ORDER BY s.seq"
        );
        let clinic = clinic.map(ClinicId::as_str);
        let rows = self.db.rows(LAST, &[]).await?;
        let last: i64 = rows.first().and_then(|row| row.try_get("last").ok()).ok_or(StoreDown)?;
        let mut found = Vec::new();
        let mut after = 0;
        while after < last {
            let until = last.min(after + WINDOW);
            for row in self.db.rows(&page, &[&after, &until, &clinic, &received_before]).await? {
                found.push(unfinished(&row).map_err(|_| StoreDown)?);
            }
            after = until;
        }
        Ok(found)
    }

    /// Those of some admissions that are still unfinished, each with its sealed original as it was admitted; with none if the time of
    /// keeping it is over.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn originals(
        &self,
        admissions: &[AdmissionId],
    ) -> Result<Vec<(AdmissionId, Option<Vec<u8>>)>, StoreDown> {
        let sql = format!(
            "SELECT s.admission_id, b.sealed FROM submission s LEFT JOIN submission_body b USING (admission_id)
            WHERE s.admission_id = ANY($1) AND {UNFINISHED}"
        );
        let original =
            |row: &Row| Ok::<_, Failure>((text::admission(row, "admission_id")?, row.try_get("sealed")?));
        let ids: Vec<Uuid> = admissions.iter().map(|id| id.as_uuid()).collect();
        let rows = self.db.rows(&sql, &[&ids]).await?;
        rows.iter().map(|row| original(row).map_err(|_| StoreDown)).collect()
    }

    /// Counts what waits for a person and lies in the database.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn stopped(&self, clinic: Option<&ClinicId>) -> Result<Stopped, StoreDown> {
        const SQL: &str = "SELECT count(h.admission_id) FILTER (WHERE s.state = 'held') AS held,
                count(b.admission_id) FILTER (WHERE s.state = 'dead') AS dead
            FROM submission s LEFT JOIN held h USING (admission_id) LEFT JOIN submission_body b USING (admission_id)
            WHERE s.state IN ('held', 'dead') AND ($1::text IS NULL OR s.clinic = $1)";
        let rows = self.db.rows(SQL, &[&clinic.map(ClinicId::as_str)]).await?;
        let row = rows.first().ok_or(StoreDown)?;
        let number = |column: &str| {
            let count: i64 = row.try_get(column).map_err(|_| StoreDown)?;
            u64::try_from(count).map_err(|_| StoreDown)
        };
        Ok(Stopped { held: number("held")?, dead: number("dead")? })
    }
}

fn unfinished(row: &Row) -> Result<Unfinished, Failure> {
    Ok(Unfinished {
        admission: text::admission(row, "admission_id")?,
        clinic: text::clinic(row)?,
        message: MessageId::from_uuid(row.try_get("message_id")?),
        correlation: CorrelationId::from_uuid(row.try_get("correlation_id")?),
        state: text::parse(row.try_get("state")?)?,
        received_at: row.try_get("received_at")?,
        appointment_at: row.try_get("appointment_at")?,
    })
}
