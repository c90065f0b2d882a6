//! By what they died of.

use domain::{Code, ports::StoreDown};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use tokio_postgres::{Row, types::ToSql};

use super::{Chosen, LetterFilter, selected};
use crate::{Store, failure::Failure, text};

/// What the trend compares.
const WINDOW: SignedDuration = SignedDuration::from_hours(1);

/// The dead letters of one cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LetterGroup {
    /// Stage, code, endpoint or field, and template.
    pub fingerprint: String,
    /// The stage that gave up.
    pub stage: String,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
    /// How many.
    pub count: u64,
    /// How many died in the last hour.
    pub last_hour: u64,
    /// How many died in the hour before.
    pub hour_before: u64,
    /// When the first died.
    pub first_seen: Timestamp,
    /// When the last died.
    pub last_seen: Timestamp,
    /// The soonest visit that one of them asks for; one that is past is overdue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub soonest_appointment: Option<Timestamp>,
    /// The clinics that are known to have one, in order.
    pub clinics: Vec<String>,
}

impl Store {
    /// The dead letters by fingerprint: the group with the soonest visit first, those without one last, the larger first.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn letter_groups(&self, filter: &LetterFilter) -> Result<Vec<LetterGroup>, StoreDown> {
        let sql = format!(
            "SELECT fingerprint, min(stage) AS stage, min(code) AS code, count(*) AS letters,
                count(*) FILTER (WHERE died_at >= $8) AS last_hour,
                count(*) FILTER (WHERE died_at >= $9 AND died_at < $8) AS hour_before,
                min(died_at) AS first_seen, max(died_at) AS last_seen, min(appointment_at) AS soonest,
                coalesce(array_agg(DISTINCT clinic) FILTER (WHERE clinic IS NOT NULL), '{{}}') AS clinics
            FROM dead_letter WHERE {}
            GROUP BY fingerprint ORDER BY soonest NULLS LAST, letters DESC, fingerprint",
            selected()
        );
        let hour = self.clock.now() - WINDOW;
        let before = hour - WINDOW;
        let chosen = Chosen::by(filter);
        let mut values = chosen.values().to_vec();
        values.extend([&hour as &(dyn ToSql + Sync), &before]);
        let rows = self.db.rows(&sql, &values).await?;
        rows.iter().map(|row| group(row).map_err(|_| StoreDown)).collect()
    }
}

fn group(row: &Row) -> Result<LetterGroup, Failure> {
    let number = |column: &str| u64::try_from(row.try_get::<_, i64>(column)?).map_err(|_| Failure::Data);
    Ok(LetterGroup {
        fingerprint: row.try_get("fingerprint")?,
        stage: row.try_get("stage")?,
        code: text::code(row, "code")?,
        count: number("letters")?,
        last_hour: number("last_hour")?,
        hour_before: number("hour_before")?,
        first_seen: row.try_get("first_seen")?,
        last_seen: row.try_get("last_seen")?,
        soonest_appointment: row.try_get("soonest")?,
        clinics: row.try_get("clinics")?,
    })
}
