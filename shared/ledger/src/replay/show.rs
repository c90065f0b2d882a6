//! Plans and their letters, to be looked at.

use std::collections::BTreeMap;

use domain::{
    ClinicId, Code, SubmissionId,
    ids::{EditId, LetterId, PlanId},
    ports::StoreDown,
};
use jiff::Timestamp;
use serde::Serialize;
use tokio_postgres::Row;

use super::{Because, Forecast, ItemOutcome, ItemState, PlanState, Why};
use crate::{Store, failure::Failure, text};

/// How many letters of a plan are where.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Tally {
    /// All.
    pub letters: u64,
    /// By what the dry run said.
    pub forecast: BTreeMap<&'static str, u64>,
    /// Their turn has not come.
    pub waiting: u64,
    /// They are not replayed by this plan.
    pub skipped: u64,
    /// They were published again, in all runs.
    pub published: u64,
    /// Of those, the ones that came to the end that was foreseen.
    pub completed: u64,
    /// Of those, the ones that a person decides about.
    pub held: u64,
    /// Of those, the ones that died again, or were rejected.
    pub failed: u64,
}

/// A plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlanRow {
    /// The plan.
    pub id: PlanId,
    /// When it was made.
    pub made_at: Timestamp,
    /// Who made it.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// Where it stands.
    pub state: PlanState,
    /// The run's letters that go first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canary: Option<i32>,
    /// The run's letters a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<i32>,
    /// The percent of failures that ends the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_on: Option<i32>,
    /// Who began the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_by: Option<String>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Why it was stopped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped_because: Option<Because>,
    /// How many letters are where.
    pub tally: Tally,
}

/// A letter of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ItemRow {
    /// Its turn, from 1.
    pub nth: i32,
    /// The letter.
    pub letter_id: LetterId,
    /// What it died of.
    pub fingerprint: String,
    /// Its clinic, as far as it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clinic_id: Option<ClinicId>,
    /// The sender's identifier, as far as it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub submission_id: Option<SubmissionId>,
    /// The requested appointment's start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub appointment_at: Option<Timestamp>,
    /// The edit that it was dry-run with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edit_id: Option<EditId>,
    /// What the dry run said.
    pub forecast: Forecast,
    /// Under which code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
    /// Where in the intake.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Why it is not replayed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<Why>,
    /// Whether it was published.
    pub state: ItemState,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub published_at: Option<Timestamp>,
    /// What came of it; absent: it is on its way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<ItemOutcome>,
    /// Under which code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome_code: Option<Code>,
}

/// A page of a plan's letters, in the order of their turns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ItemPage {
    /// The letters.
    pub items: Vec<ItemRow>,
    /// Ask for what comes after this one; absent: this page is the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<i32>,
}

impl Store {
    /// The last plans, newest first, so many at most.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn plans(&self, most: u32) -> Result<Vec<PlanRow>, StoreDown> {
        self.some_plans("ORDER BY made_at DESC, plan_id DESC LIMIT $1", &i64::from(most)).await
    }

    /// One plan.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn plan(&self, plan: PlanId) -> Result<Option<PlanRow>, StoreDown> {
        Ok(self.some_plans("WHERE plan_id = $1", &plan.as_uuid()).await?.pop())
    }

    async fn some_plans(
        &self,
        which: &str,
        value: &(dyn tokio_postgres::types::ToSql + Sync),
    ) -> Result<Vec<PlanRow>, StoreDown> {
        const TALLY: &str = "SELECT plan_id, forecast, state, outcome, count(*) AS letters FROM plan_item
            WHERE plan_id = ANY($1) GROUP BY 1, 2, 3, 4";
        let sql = format!(
            "SELECT plan_id, made_at, actor, reason, state, canary, rate, stop_on, started_by, started_at, ended_at,
                stopped_because
            FROM plan {which}"
        );
        let rows = self.db.rows(&sql, &[value]).await?;
        let mut plans: Vec<PlanRow> =
            rows.iter().map(plan).collect::<Result<_, _>>().map_err(|_| StoreDown)?;
        let ids: Vec<_> = plans.iter().map(|plan| plan.id.as_uuid()).collect();
        for row in self.db.rows(TALLY, &[&ids]).await? {
            count(&mut plans, &row).map_err(|_| StoreDown)?;
        }
        Ok(plans)
    }

    /// A page of a plan's letters. `after` is the page before's [`ItemPage::next`].
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn plan_items(
        &self,
        plan: PlanId,
        after: Option<i32>,
        limit: u32,
    ) -> Result<ItemPage, StoreDown> {
        const SQL: &str = "SELECT i.nth, i.letter_id, l.fingerprint, coalesce(l.clinic, i.clinic) AS clinic,
                coalesce(l.submission_id, i.submission_id) AS submission_id, l.appointment_at, i.edit_id, i.forecast,
                i.forecast_code, i.forecast_field, i.why, i.state, i.published_at, i.outcome, i.outcome_code
            FROM plan_item i JOIN dead_letter l USING (letter_id)
            WHERE i.plan_id = $1 AND i.nth > $2 ORDER BY i.nth LIMIT $3";
        let rows = self.db.rows(SQL, &[&plan.as_uuid(), &after.unwrap_or(0), &i64::from(limit)]).await?;
        let items: Vec<ItemRow> = rows.iter().map(item).collect::<Result<_, _>>().map_err(|_| StoreDown)?;
        let full = u32::try_from(items.len()).is_ok_and(|len| len == limit);
        let next = items.last().filter(|_| full).map(|last| last.nth);
        Ok(ItemPage { items, next })
    }
}

fn plan(row: &Row) -> Result<PlanRow, Failure> {
    Ok(PlanRow {
        id: PlanId::from_uuid(row.try_get("plan_id")?),
        made_at: row.try_get("made_at")?,
        actor: row.try_get("actor")?,
        reason: row.try_get("reason")?,
        state: text::parse(row.try_get("state")?)?,
        canary: row.try_get("canary")?,
        rate: row.try_get("rate")?,
        stop_on: row.try_get("stop_on")?,
        started_by: row.try_get("started_by")?,
        started_at: row.try_get("started_at")?,
        ended_at: row.try_get("ended_at")?,
        stopped_because: text::parse_opt(row.try_get("stopped_because")?)?,
        tally: Tally::default(),
    })
}

fn count(plans: &mut [PlanRow], row: &Row) -> Result<(), Failure> {
    let id = PlanId::from_uuid(row.try_get("plan_id")?);
    let Some(plan) = plans.iter_mut().find(|plan| plan.id == id) else { return Ok(()) };
    let letters = u64::try_from(row.try_get::<_, i64>("letters")?).map_err(|_| Failure::Data)?;
    let forecast: Forecast = text::parse(row.try_get("forecast")?)?;
    let tally = &mut plan.tally;
    tally.letters += letters;
    *tally.forecast.entry(forecast.as_str()).or_default() += letters;
    match text::parse(row.try_get("state")?)? {
        ItemState::Waiting => tally.waiting += letters,
        ItemState::Skipped => tally.skipped += letters,
        ItemState::Published => tally.published += letters,
    }
    match text::parse_opt(row.try_get("outcome")?)? {
        Some(ItemOutcome::Completed) => tally.completed += letters,
        Some(ItemOutcome::Held) => tally.held += letters,
        Some(ItemOutcome::Failed) => tally.failed += letters,
        None => {}
    }
    Ok(())
}

fn item(row: &Row) -> Result<ItemRow, Failure> {
    Ok(ItemRow {
        nth: row.try_get("nth")?,
        letter_id: LetterId::from_uuid(row.try_get("letter_id")?),
        fingerprint: row.try_get("fingerprint")?,
        clinic_id: text::parse_opt(row.try_get("clinic")?)?,
        submission_id: text::parse_opt(row.try_get("submission_id")?)?,
        appointment_at: row.try_get("appointment_at")?,
        edit_id: row.try_get::<_, Option<uuid::Uuid>>("edit_id")?.map(EditId::from_uuid),
        forecast: text::parse(row.try_get("forecast")?)?,
        code: text::code(row, "forecast_code")?,
        field: row.try_get("forecast_field")?,
        why: text::parse_opt(row.try_get("why")?)?,
        state: text::parse(row.try_get("state")?)?,
        published_at: row.try_get("published_at")?,
        outcome: text::parse_opt(row.try_get("outcome")?)?,
        outcome_code: text::code(row, "outcome_code")?,
    })
}
