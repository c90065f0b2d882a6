//! One by one.

use domain::{
    AdmissionId, ClinicId, Code, CorrelationId, MessageId, SubmissionId,
    ids::{LetterId, PlanId},
    ports::StoreDown,
};
use jiff::Timestamp;
use serde::Serialize;
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use super::{Chosen, LetterFilter, LetterState, STATE, selected};
use crate::{Store, failure::Failure, text};

/// A dead letter, without its body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LetterRow {
    /// This arrival of it.
    pub id: LetterId,
    /// The hand-off that died.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<MessageId>,
    /// The stage that gave up.
    pub stage: String,
    /// In which lane.
    pub lane: String,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
    /// The field in question.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The endpoint in question.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The template in force, `<id>@<version>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// Equal for failures of one cause.
    pub fingerprint: String,
    /// The admission, where it was admitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admission_id: Option<AdmissionId>,
    /// The sender's identifier, as far as it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub submission_id: Option<SubmissionId>,
    /// The clinic, as far as it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clinic_id: Option<ClinicId>,
    /// The correlation id.
    pub correlation_id: CorrelationId,
    /// W3C trace id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// Which attempt was the last, from 1.
    pub attempts: i32,
    /// When the first attempt failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_failed_at: Option<Timestamp>,
    /// When it died.
    pub died_at: Timestamp,
    /// When it was collected.
    pub collected_at: Timestamp,
    /// The requested appointment's start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub appointment_at: Option<Timestamp>,
    /// The schema of the body.
    pub schema: String,
    /// Where it stands.
    pub state: LetterState,
    /// Since when, where somebody decided it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_at: Option<Timestamp>,
    /// The plan by which it was replayed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan_id: Option<PlanId>,
}

/// A page of dead letters: by time to the visit, the soonest first and those without one last, then by time of death.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LetterPage {
    /// The letters.
    pub letters: Vec<LetterRow>,
    /// Ask for what comes after this one; absent: this page is the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<LetterId>,
}

const COLUMNS: &str = "letter_id, message_id, stage, lane, code, field, endpoint, template_id, template_version, fingerprint,
    admission_id, submission_id, clinic, correlation_id, trace_id, attempts, first_failed_at, died_at, collected_at,
    appointment_at, schema, state_at, plan_id";

impl Store {
    /// A page of dead letters. `after` is the page before's [`LetterPage::next`].
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn letters(
        &self,
        filter: &LetterFilter,
        after: Option<LetterId>,
        limit: u32,
    ) -> Result<LetterPage, StoreDown> {
        const KEY: &str = "(coalesce(appointment_at, 'infinity'::timestamptz), died_at, letter_id)";
        let sql = format!(
            "SELECT {COLUMNS}, {STATE} AS stands FROM dead_letter WHERE {}
                AND ($8::uuid IS NULL OR {KEY} >
                    (SELECT coalesce(l.appointment_at, 'infinity'::timestamptz), l.died_at, l.letter_id
                     FROM dead_letter l WHERE l.letter_id = $8))
            ORDER BY coalesce(appointment_at, 'infinity'::timestamptz), died_at, letter_id LIMIT $9",
            selected()
        );
        let chosen = Chosen::by(filter);
        let (after, most) = (after.map(|id| id.as_uuid()), i64::from(limit));
        let mut values = chosen.values().to_vec();
        values.extend([&after as &(dyn ToSql + Sync), &most]);
        let rows = self.db.rows(&sql, &values).await?;
        let letters: Vec<LetterRow> =
            rows.iter().map(letter).collect::<Result<_, _>>().map_err(|_| StoreDown)?;
        let full = u32::try_from(letters.len()).is_ok_and(|len| len == limit);
        let next = letters.last().filter(|_| full).map(|last| last.id);
        Ok(LetterPage { letters, next })
    }

    /// One dead letter.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn letter(&self, id: LetterId) -> Result<Option<LetterRow>, StoreDown> {
        let sql = format!("SELECT {COLUMNS}, {STATE} AS stands FROM dead_letter WHERE letter_id = $1");
        let rows = self.db.rows(&sql, &[&id.as_uuid()]).await?;
        rows.first().map(|row| letter(row).map_err(|_| StoreDown)).transpose()
    }

    /// How many dead letters are kept.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn letters_kept(&self) -> Result<u64, StoreDown> {
        let rows = self.db.rows("SELECT count(*) AS kept FROM dead_letter", &[]).await?;
        let kept: i64 = rows.first().and_then(|row| row.try_get("kept").ok()).ok_or(StoreDown)?;
        u64::try_from(kept).map_err(|_| StoreDown)
    }
}

fn letter(row: &Row) -> Result<LetterRow, Failure> {
    let template: Option<String> = row.try_get("template_id")?;
    let version: Option<i32> = row.try_get("template_version")?;
    let uuid = |column: &str| row.try_get::<_, Option<Uuid>>(column);
    Ok(LetterRow {
        id: LetterId::from_uuid(row.try_get("letter_id")?),
        message_id: uuid("message_id")?.map(MessageId::from_uuid),
        stage: row.try_get("stage")?,
        lane: row.try_get("lane")?,
        code: text::code(row, "code")?,
        field: row.try_get("field")?,
        endpoint: row.try_get("endpoint")?,
        template: template.zip(version).map(|(id, version)| format!("{id}@{version}")),
        fingerprint: row.try_get("fingerprint")?,
        admission_id: uuid("admission_id")?.map(AdmissionId::from_uuid),
        submission_id: text::parse_opt(row.try_get("submission_id")?)?,
        clinic_id: text::parse_opt(row.try_get("clinic")?)?,
        correlation_id: CorrelationId::from_uuid(row.try_get("correlation_id")?),
        trace_id: row.try_get("trace_id")?,
        attempts: row.try_get("attempts")?,
        first_failed_at: row.try_get("first_failed_at")?,
        died_at: row.try_get("died_at")?,
        collected_at: row.try_get("collected_at")?,
        appointment_at: row.try_get("appointment_at")?,
        schema: row.try_get("schema")?,
        state: text::parse(row.try_get("stands")?)?,
        state_at: row.try_get("state_at")?,
        plan_id: uuid("plan_id")?.map(PlanId::from_uuid),
    })
}
