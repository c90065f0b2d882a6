//! Beginning and ending a run.

use domain::{ids::PlanId, ports::StoreDown};
use tokio_postgres::Row;
use uuid::Uuid;

use super::{PlanState, plan::scope};
use crate::{
    Store,
    acts::{Actor, Deed, Outcome, What},
    failure::Failure,
    text,
};

/// The rules of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// So many letters go first; the others when it is known what became of these. 0: none.
    pub canary: u32,
    /// Letters a second at most, from 1.
    pub rate: u32,
    /// Percent of failures, 1 to 100, at which the run ends.
    pub stop_on: u32,
}

/// What came of a wish to begin or to end a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begun {
    /// It is so.
    Done,
    /// The plan's state does not allow it.
    Not(PlanState),
    /// None of its letters waits to be replayed.
    Nothing,
    /// There is no such plan.
    Unknown,
}

impl Store {
    /// Begins a run of a plan that is ready, stopped or cancelled, with what has not been published yet. Notes the act.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn begin_run(
        &self,
        plan: PlanId,
        rules: Rules,
        actor: &Actor,
        reason: &str,
    ) -> Result<Begun, StoreDown> {
        const WAITS: &str = "SELECT 1 FROM plan_item WHERE plan_id = $1 AND state = 'waiting' LIMIT 1";
        const BEGIN: &str =
            "UPDATE plan SET state = 'running', run = run + 1, canary = $2, rate = $3, stop_on = $4, started_by = $5,
                started_at = $6, ended_at = NULL, stopped_because = NULL, last_at = NULL, heard_at = NULL, published = 0, judged = 0, failed = 0
            WHERE plan_id = $1";
        let now = self.clock.now();
        let number = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
        let (canary, rate, stop_on) = (number(rules.canary), number(rules.rate), number(rules.stop_on));
        let mut connection = self.db.open().await.map_err(|_| StoreDown)?;
        let work = async {
            let transaction = connection.transaction().await?;
            let id = plan.as_uuid();
            let Some(state) = lock(&transaction, id).await? else { return Ok(Begun::Unknown) };
            if !state.may_begin() {
                return Ok(Begun::Not(state));
            }
            if transaction.query(WAITS, &[&id]).await?.is_empty() {
                return Ok(Begun::Nothing);
            }
            transaction.execute(BEGIN, &[&id, &canary, &rate, &stop_on, &actor.name, &now]).await?;
            let deed = Deed { at: now, actor, what: What::ReplayStarted, reason };
            deed.note(&transaction, &[scope(plan)], Outcome::Done).await?;
            transaction.commit().await?;
            Ok(Begun::Done)
        };
        let work = self.db.within(work).await;
        self.db.close(connection, work).map_err(|_| StoreDown)
    }

    /// Ends a run, or a plan that was not begun. When this returns nothing more of it is published, and what was not published is as it
    /// was. Notes the act.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn cancel_run(&self, plan: PlanId, actor: &Actor, reason: &str) -> Result<Begun, StoreDown> {
        const CANCEL: &str = "UPDATE plan SET state = 'cancelled', ended_at = $2 WHERE plan_id = $1";
        let now = self.clock.now();
        let mut connection = self.db.open().await.map_err(|_| StoreDown)?;
        let work = async {
            let transaction = connection.transaction().await?;
            let Some(state) = lock(&transaction, plan.as_uuid()).await? else { return Ok(Begun::Unknown) };
            if !matches!(state, PlanState::Ready | PlanState::Running) {
                return Ok(Begun::Not(state));
            }
            transaction.execute(CANCEL, &[&plan.as_uuid(), &now]).await?;
            let deed = Deed { at: now, actor, what: What::ReplayCancelled, reason };
            deed.note(&transaction, &[scope(plan)], Outcome::Done).await?;
            transaction.commit().await?;
            Ok(Begun::Done)
        };
        let work = self.db.within(work).await;
        self.db.close(connection, work).map_err(|_| StoreDown)
    }

    /// The plans that run, and those of which it is not known of all that was published what became of it.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn unfinished_plans(&self) -> Result<Vec<PlanId>, StoreDown> {
        const SQL: &str = "SELECT plan_id FROM plan WHERE state = 'running'
            UNION SELECT plan_id FROM plan_item WHERE state = 'published' AND outcome IS NULL ORDER BY plan_id";
        let id = |row: &Row| Ok(PlanId::from_uuid(row.try_get("plan_id").map_err(|_| StoreDown)?));
        self.db.rows(SQL, &[]).await?.iter().map(id).collect()
    }
}

async fn lock(
    transaction: &deadpool_postgres::Transaction<'_>,
    plan: Uuid,
) -> Result<Option<PlanState>, Failure> {
    let row = transaction.query_opt("SELECT state FROM plan WHERE plan_id = $1 FOR UPDATE", &[&plan]).await?;
    row.map(|row| text::parse(row.try_get("state")?)).transpose()
}
