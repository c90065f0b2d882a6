//! All that happened to one submission.

use domain::{AdmissionId, Code, effect::Kind, ports::StoreDown};
use jiff::Timestamp;
use tokio_postgres::Row;

use crate::{Store, failure::Failure, text};

/// A hop, as the journal has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalRow {
    /// Its place in the journal.
    pub seq: i64,
    /// When the delivery was taken in hand.
    pub started_at: Timestamp,
    /// When it was decided.
    pub at: Timestamp,
    /// Where.
    pub stage: String,
    /// In which lane.
    pub lane: String,
    /// What happened.
    pub event: String,
    /// The state that it led to, if it changed.
    pub state: Option<String>,
    /// Why.
    pub code: Option<Code>,
    /// Where in the intake.
    pub field: Option<String>,
    /// The endpoint in question.
    pub endpoint: Option<String>,
    /// The template in force, name and version.
    pub template: Option<(String, i32)>,
    /// Which attempt it was, from 1.
    pub attempt: i32,
    /// W3C trace id.
    pub trace_id: Option<String>,
    /// The person or program behind it, where it was not the line itself.
    pub actor: Option<String>,
}

/// A lease, outcome or search of an effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectEvent {
    /// When.
    pub at: Timestamp,
    /// What the effect is on.
    pub kind: Kind,
    /// Which attempt, from 1.
    pub attempt: i32,
    /// What happened: `intent`, `done`, `ambiguous`, `found`…
    pub event: String,
    /// The state that it led to.
    pub state: String,
    /// Why.
    pub code: Option<Code>,
}

/// All that happened to one submission, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeline {
    /// Hops.
    pub hops: Vec<JournalRow>,
    /// Effects in the EHR.
    pub effects: Vec<EffectEvent>,
}

impl Store {
    /// The timeline of one admission.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn timeline(&self, admission: AdmissionId) -> Result<Timeline, StoreDown> {
        const HOPS: &str =
            "SELECT seq, started_at, at, stage, lane, event, state, code, field, endpoint, template_id,
                template_version, attempt, trace_id, actor
            FROM journal WHERE admission_id = $1 ORDER BY seq";
        const EFFECTS: &str = "SELECT at, kind, attempt, event, state, code FROM ehr_attempt
            WHERE admission_id = $1 ORDER BY at, attempt";
        let id = admission.as_uuid();
        let hops = self.db.rows(HOPS, &[&id]).await?;
        let effects = self.db.rows(EFFECTS, &[&id]).await?;
        Ok(Timeline {
            hops: hops.iter().map(hop).collect::<Result<_, _>>().map_err(|_| StoreDown)?,
            effects: effects.iter().map(effect).collect::<Result<_, _>>().map_err(|_| StoreDown)?,
        })
    }
}

fn hop(row: &Row) -> Result<JournalRow, Failure> {
    let template: Option<String> = row.try_get("template_id")?;
    let version: Option<i32> = row.try_get("template_version")?;
    Ok(JournalRow {
        seq: row.try_get("seq")?,
        started_at: row.try_get("started_at")?,
        at: row.try_get("at")?,
        stage: row.try_get("stage")?,
        lane: row.try_get("lane")?,
        event: row.try_get("event")?,
        state: row.try_get("state")?,
        code: text::code(row, "code")?,
        field: row.try_get("field")?,
        endpoint: row.try_get("endpoint")?,
        template: template.zip(version),
        attempt: row.try_get("attempt")?,
        trace_id: row.try_get("trace_id")?,
        actor: row.try_get("actor")?,
    })
}

fn effect(row: &Row) -> Result<EffectEvent, Failure> {
    Ok(EffectEvent {
        at: row.try_get("at")?,
        kind: text::parse(row.try_get("kind")?)?,
        attempt: row.try_get("attempt")?,
        event: row.try_get("event")?,
        state: row.try_get("state")?,
        code: text::code(row, "code")?,
    })
}
