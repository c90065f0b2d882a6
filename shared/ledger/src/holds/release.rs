//! What is decided and not yet on its way: published again, confirmed, and only then forgotten here.

use domain::{AdmissionId, ClinicId, MessageId, ports::StoreDown};
use tokio_postgres::Row;

use crate::{
    Store,
    failure::Failure,
    read::{TRACE, Thread},
    text,
};

/// A submission that goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// The decision that lets it.
    pub decision: i64,
    /// Its row.
    pub admission: AdmissionId,
    /// The clinic.
    pub clinic: ClinicId,
    /// The message that brought it.
    pub message: MessageId,
    /// Its correlation id and its trace.
    pub thread: Thread,
    /// Its sealed original; `None` if the time of keeping it is over.
    pub original: Option<Vec<u8>>,
}

impl Store {
    /// At most `limit` of those that wait to go on, after the decision of that number, oldest first.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn releases(&self, after: i64, limit: u32) -> Result<Vec<Release>, StoreDown> {
        let sql = format!(
            "SELECT r.seq, r.admission_id, s.clinic, s.message_id, s.correlation_id,
                coalesce(b.corrected, b.sealed) AS sealed, {TRACE} AS trace_id
            FROM hold_release r JOIN submission s USING (admission_id) LEFT JOIN submission_body b USING (admission_id)
            WHERE r.seq > $1 ORDER BY r.seq LIMIT $2"
        );
        let rows = self.db.rows(&sql, &[&after, &i64::from(limit)]).await?;
        rows.iter().map(|row| release(row).map_err(|_| StoreDown)).collect()
    }

    /// It is on its way: the broker has confirmed it. Safe to repeat.
    ///
    /// # Errors
    /// [`StoreDown`]: it may be published once more, which does no harm.
    pub async fn released(&self, decision: i64) -> Result<(), StoreDown> {
        self.db.rows("DELETE FROM hold_release WHERE seq = $1", &[&decision]).await.map(drop)
    }
}

fn release(row: &Row) -> Result<Release, Failure> {
    Ok(Release {
        decision: row.try_get("seq")?,
        admission: text::admission(row, "admission_id")?,
        clinic: text::clinic(row)?,
        message: MessageId::from_uuid(row.try_get("message_id")?),
        thread: Thread::read(row)?,
        original: row.try_get("sealed")?,
    })
}
