//! What was admitted and has not come to where it stands: what a lost broker takes along, and where it is brought back from.

use domain::{AdmissionId, ClinicId, CorrelationId, LaneName, MessageId, Stage, ports::StoreDown};
use jiff::Timestamp;
use tokio_postgres::Row;
use uuid::Uuid;

use super::{TRACE, status::State};
use crate::{Store, failure::Failure, letters::lies_dead, text};

/// Rows of `submission` that one statement looks at: no statement takes long, however many there are.
const WINDOW: i64 = 20_000;

/// Which rows `s` of `submission` are unfinished: not those whose message lies with the dead letters, for people to decide.
fn is_unfinished() -> String {
    format!(
        "(s.state = 'in_flight' OR NOT EXISTS (SELECT FROM journal j WHERE j.admission_id = s.admission_id))
            AND NOT {}",
        lies_dead()
    )
}

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

/// What is kept of a submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its sealed original; `None` if the time of keeping it is over.
    pub sealed: Option<Vec<u8>>,
    /// The trace that it came in, if the journal still has it.
    pub trace_id: Option<String>,
}

/// What waits for a person, and what of it lies in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stopped {
    /// Held with the envelope that goes on.
    pub held: u64,
    /// Dead, with the original for a replay.
    pub dead: u64,
}

/// An unfinished submission, and where its message should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The submission.
    pub unfinished: Unfinished,
    /// The stage that should have its message, and the lane; `None`: the first, and no hop tells the lane.
    pub at: Option<(Stage, LaneName)>,
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
                AND {}
            ORDER BY s.seq",
            is_unfinished()
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
    pub async fn originals(&self, admissions: &[AdmissionId]) -> Result<Vec<(AdmissionId, Kept)>, StoreDown> {
        let sql = format!(
            "SELECT s.admission_id, coalesce(b.corrected, b.sealed) AS sealed, {TRACE} AS trace_id FROM submission s LEFT JOIN submission_body b USING (admission_id)
            WHERE s.admission_id = ANY($1) AND {}",
            is_unfinished()
        );
        let original = |row: &Row| {
            let kept = Kept { sealed: row.try_get("sealed")?, trace_id: row.try_get("trace_id")? };
            Ok::<_, Failure>((text::admission(row, "admission_id")?, kept))
        };
        let ids: Vec<Uuid> = admissions.iter().map(|id| id.as_uuid()).collect();
        let rows = self.db.rows(&sql, &[&ids]).await?;
        rows.iter().map(|row| original(row).map_err(|_| StoreDown)).collect()
    }

    /// Those of some admissions that are still unfinished, in the order of their admission, each with the place where its message should
    /// be by its last hop.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn waiting(&self, admissions: &[AdmissionId]) -> Result<Vec<Waiting>, StoreDown> {
        let sql = format!(
            "SELECT s.admission_id, s.clinic, s.message_id, s.correlation_id, s.state, s.received_at, s.appointment_at,
                l.stage, l.lane, l.event
            FROM submission s LEFT JOIN LATERAL (SELECT stage, lane, event FROM journal
                WHERE admission_id = s.admission_id ORDER BY seq DESC LIMIT 1) l ON true
            WHERE s.admission_id = ANY ($1) AND {} ORDER BY s.seq",
            is_unfinished()
        );
        let ids: Vec<Uuid> = admissions.iter().map(|id| id.as_uuid()).collect();
        let rows = self.db.rows(&sql, &[&ids]).await?;
        rows.iter().map(|row| waiting(row).map_err(|_| StoreDown)).collect()
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

fn waiting(row: &Row) -> Result<Waiting, Failure> {
    let (stage, lane) =
        (text::parse_opt::<Stage>(row.try_get("stage")?)?, text::parse_opt(row.try_get("lane")?)?);
    let gone_on = row.try_get::<_, Option<&str>>("event")? == Some("emitted");
    let stage = if gone_on { stage.and_then(Stage::next) } else { stage };
    Ok(Waiting { unfinished: unfinished(row)?, at: stage.zip(lane) })
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
