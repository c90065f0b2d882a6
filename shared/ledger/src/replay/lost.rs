//! Letters that were published again and of which nothing was heard: what a lost broker took along of a run.

use domain::{ClinicId, ids::LetterId, letter::Again, ports::StoreDown};
use jiff::Timestamp;
use tokio_postgres::Row;

use super::{look, next};
use crate::Store;

impl Store {
    /// The letters that were published again, of a clinic and before a moment if that matters, of which it is not known what became, in the
    /// order of their publishing. Not those that went with an edit, which are restored and planned again, nor those whose submission is on its way: see [`Store::unfinished`].
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn unheard(
        &self,
        clinic: Option<&ClinicId>,
        published_before: Option<Timestamp>,
    ) -> Result<Vec<LetterId>, StoreDown> {
        let sql = format!(
            "SELECT l.letter_id {} AND ($1::text IS NULL OR coalesce(l.clinic, i.clinic) = $1)
                AND ($2::timestamptz IS NULL OR i.published_at < $2) ORDER BY i.published_at, l.letter_id",
            unheard()
        );
        let rows = self.db.rows(&sql, &[&clinic.map(ClinicId::as_str), &published_before]).await?;
        let id = |row: &Row| Ok(LetterId::from_uuid(row.try_get("letter_id").map_err(|_| StoreDown)?));
        rows.iter().map(id).collect()
    }

    /// One of those, to be published once more, which is the same hand-off. `None`: it is known by now what became of it.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn unheard_letter(&self, letter: LetterId) -> Result<Option<Again>, StoreDown> {
        let sql = format!(
            "SELECT l.letter_id, l.message_id, l.stage, l.lane, l.clinic, l.correlation_id, l.trace_id, l.schema,
                l.envelope {} AND l.letter_id = $1",
            unheard()
        );
        let rows = self.db.rows(&sql, &[&letter.as_uuid()]).await?;
        let again = |row: &Row| next::again(row, row.try_get("letter_id")?);
        rows.first().map(|row| again(row).map_err(|_| StoreDown)).transpose()
    }
}

fn unheard() -> String {
    format!(
        "FROM plan_item i JOIN dead_letter l ON l.letter_id = i.letter_id AND l.plan_id = i.plan_id
        LEFT JOIN LATERAL ({}) s ON true
        WHERE i.state = 'published' AND i.outcome IS NULL AND i.edit_id IS NULL AND l.state = 'replayed'
            AND (s.state IS NULL OR s.state = 'dead') AND NOT ({})",
        look::submission(
            "coalesce(l.clinic, i.clinic)",
            "coalesce(l.submission_id, i.submission_id)",
            "s.admission_id, s.state"
        ),
        look::IN_DOUBT,
    )
}
