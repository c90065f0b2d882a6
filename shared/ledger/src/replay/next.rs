//! One letter of a run: looked at once more, published, marked.

use std::time::Duration;

use deadpool_postgres::Transaction;
use domain::{
    CorrelationId, MessageId,
    ids::{EditId, LetterId, PlanId},
    letter::Again,
    ports::{NotSent, Outbox, StoreDown},
};
use jiff::Timestamp;
use tokio_postgres::Row;
use uuid::Uuid;

use super::{
    Because, NewBody, OpenEdit, PlanState, Why,
    edited::{self, Turn},
    gate::{Gate, Run},
    look,
};
use crate::{Store, failure::Failure, text};

/// What a step of a run did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// A letter was published.
    Published,
    /// A letter was passed by: it may not be replayed any more.
    Skipped,
    /// It is not time yet, by the rate.
    NotBefore(Duration),
    /// There is nothing to do now: what became of others must be known first, another process is at it, or it does not run.
    Nothing,
    /// The broker did not confirm it: to be tried again.
    Unconfirmed,
    /// The run came to its end.
    Ended(PlanState),
}

/// The next letter, locked.
struct Item {
    nth: i32,
    letter: LetterId,
    admission: Option<Uuid>,
    /// Its submission, also if the letter does not name it.
    submission: Option<Uuid>,
    /// The edit that it was dry-run with.
    planned: Option<Uuid>,
    against: Option<Why>,
    settled_before: Option<Timestamp>,
    letters_before: i64,
    again: Again,
}

/// Whether another message has brought the submission of a letter that was never admitted, since the dry run or in this very run. What the dry
/// run says is a conflict with it goes on, and is held.
const ELSEWHERE: &str = "(l.stage = 'validation' AND l.admission_id IS NULL AND s.admission_id IS NULL
            AND coalesce(i.forecast_code, '') <> 'submission_conflict' AND EXISTS (SELECT FROM submission o
                WHERE NOT o.copy AND o.submission_id = coalesce(l.submission_id, i.submission_id)
                AND o.clinic = coalesce(l.clinic, i.clinic)))";

impl Store {
    /// Has the next letter of a run published by the outbox, if it is its turn, and marks it. Of several processes one does it. One that was
    /// planned with an edit goes with the body that `open` makes of it.
    ///
    /// # Errors
    /// [`StoreDown`]: the letter may have been published and is not marked. It is published again, which does no harm.
    pub async fn replay_next(
        &self,
        plan: PlanId,
        outbox: &dyn Outbox,
        open: &OpenEdit<'_>,
    ) -> Result<Next, StoreDown> {
        let mut connection = self.db.open().await.map_err(|_| StoreDown)?;
        let work = async {
            let transaction = connection.transaction().await?;
            let next = self.step(&transaction, plan.as_uuid(), (outbox, open)).await?;
            transaction.commit().await?;
            Ok(next)
        };
        let work = self.db.within(work).await;
        self.db.close(connection, work).map_err(|_| StoreDown)
    }

    async fn step(
        &self,
        transaction: &Transaction<'_>,
        plan: Uuid,
        (outbox, open): (&dyn Outbox, &OpenEdit<'_>),
    ) -> Result<Next, Failure> {
        const RUN: &str =
            "SELECT run, canary, rate, stop_on, last_at, greatest(last_at, heard_at) AS heard_at, published,
                judged, failed FROM plan
            WHERE plan_id = $1 AND state = 'running' FOR UPDATE SKIP LOCKED";
        let statement = transaction.prepare_cached(RUN).await?;
        let Some(row) = transaction.query_opt(&statement, &[&plan]).await? else { return Ok(Next::Nothing) };
        let (run, now) = (Run::read(&row)?, self.clock.now());
        match run.gate() {
            Gate::Open => {}
            Gate::Wait if run.is_silent(now) => {
                return end(transaction, plan, Some(Because::Silence), now).await;
            }
            Gate::Wait => return Ok(Next::Nothing),
            Gate::Stop => return end(transaction, plan, Some(Because::Failures), now).await,
        }
        let Some(item) = item(transaction, plan, now).await? else {
            return match run.end(now) {
                Some(because) => end(transaction, plan, because, now).await,
                None => Ok(Next::Nothing),
            };
        };
        if let Some(why) = item.against {
            return skip(transaction, plan, item.nth, why).await;
        }
        let turn = edited::at_its_turn(transaction, item.letter, item.submission, item.planned).await?;
        let edit = match turn {
            Turn::AsItDied => None,
            Turn::Edited(edit, sealed) => Some((edit, sealed)),
            Turn::Not(why) => return skip(transaction, plan, item.nth, why).await,
        };
        let wait = run.wait(now);
        if !wait.is_zero() {
            return Ok(Next::NotBefore(wait));
        }
        let mut again = item.again.clone();
        if let Some((_, sealed)) = &edit {
            let Some(NewBody { schema, body }) = open(item.letter, sealed) else {
                return skip(transaction, plan, item.nth, Why::EditUnreadable).await;
            };
            (again.schema, again.body) = (schema, body);
        }
        self.reopen_refused(&item).await?;
        match outbox.send(again).await {
            Ok(()) => {
                let edit = edit.map(|(id, _)| id);
                mark(transaction, (plan, run.number), (&item, edit), now).await
            }
            Err(NotSent::NoQueue) => skip(transaction, plan, item.nth, Why::NoQueue).await,
            Err(NotSent::Unconfirmed) => Ok(Next::Unconfirmed),
        }
    }

    /// What the EHR refused for good may be tried again: that a person has it replayed opens a new round of it. Committed at once, in a
    /// transaction of its own: the message may be in the writer's hand before ours is.
    async fn reopen_refused(&self, item: &Item) -> Result<(), Failure> {
        const SQL: &str = "UPDATE ehr_op SET in_force = false, changed_at = $2
            WHERE admission_id = $1 AND in_force AND state = 'rejected' AND code = 'ehr_rejected'";
        let Some(admission) = item.admission else { return Ok(()) };
        self.db.rows(SQL, &[&admission, &self.clock.now()]).await.map_err(|_| Failure::Down)?;
        Ok(())
    }
}

async fn item(transaction: &Transaction<'_>, plan: Uuid, now: Timestamp) -> Result<Option<Item>, Failure> {
    let sql = format!(
        "SELECT i.nth, l.letter_id, l.message_id, l.stage, l.lane, l.clinic, l.correlation_id, l.trace_id, l.schema,
            l.envelope, l.admission_id, s.admission_id AS submission, i.edit_id, l.state AS letter_state, l.appointment_at,
            s.state AS stands, s.settled_at, ({}) AS in_doubt, {ELSEWHERE} AS elsewhere,
            (SELECT count(*) FROM dead_letter d WHERE d.message_id = coalesce(l.message_id, l.letter_id)) AS letters
        FROM plan_item i JOIN dead_letter l USING (letter_id) LEFT JOIN LATERAL ({}) s ON true
        WHERE i.plan_id = $1 AND i.state = 'waiting' ORDER BY i.nth LIMIT 1 FOR UPDATE OF i, l",
        look::IN_DOUBT,
        look::submission(
            "coalesce(l.clinic, i.clinic)",
            "coalesce(l.submission_id, i.submission_id)",
            "s.admission_id, s.state, s.settled_at"
        ),
    );
    let statement = transaction.prepare_cached(&sql).await?;
    transaction.query_opt(&statement, &[&plan]).await?.map(|row| read(&row, now)).transpose()
}

fn read(row: &Row, now: Timestamp) -> Result<Item, Failure> {
    let letter: Uuid = row.try_get("letter_id")?;
    let visit: Option<Timestamp> = row.try_get("appointment_at")?;
    let stands: Option<&str> = row.try_get("stands")?;
    let planned: Option<Uuid> = row.try_get("edit_id")?;
    let against = if row.try_get::<_, &str>("letter_state")? != "open" {
        Some(Why::NotOpen)
    } else if matches!(stands, Some("completed" | "duplicate" | "rejected")) {
        Some(Why::Ended)
    } else if stands == Some("held") {
        Some(Why::Held)
    } else if row.try_get("in_doubt")? {
        Some(Why::InDoubt)
    } else if row.try_get("elsewhere")? {
        Some(Why::Elsewhere)
    } else if planned.is_none() && visit.is_some_and(|visit| visit < now) {
        // An edit may have moved it: the dry run has looked.
        Some(Why::VisitPast)
    } else {
        None
    };
    Ok(Item {
        nth: row.try_get("nth")?,
        letter: LetterId::from_uuid(letter),
        admission: row.try_get("admission_id")?,
        submission: row.try_get("submission")?,
        planned,
        against,
        settled_before: row.try_get("settled_at")?,
        letters_before: row.try_get("letters")?,
        again: again(row, letter)?,
    })
}

/// The message of a letter.
pub(super) fn again(row: &Row, letter: Uuid) -> Result<Again, Failure> {
    let message: Option<Uuid> = row.try_get("message_id")?;
    Ok(Again {
        id: LetterId::from_uuid(letter),
        message: MessageId::from_uuid(message.unwrap_or(letter)),
        stage: text::parse(row.try_get("stage")?)?,
        lane: text::parse(row.try_get("lane")?)?,
        clinic: text::parse_opt(row.try_get("clinic")?)?,
        correlation: CorrelationId::from_uuid(row.try_get("correlation_id")?),
        trace_id: row.try_get("trace_id")?,
        schema: row.try_get("schema")?,
        body: row.try_get("envelope")?,
    })
}

async fn mark(
    transaction: &Transaction<'_>,
    (plan, run): (Uuid, i32),
    (item, edit): (&Item, Option<EditId>),
    now: Timestamp,
) -> Result<Next, Failure> {
    const ITEM: &str = "UPDATE plan_item SET state = 'published', published_at = $3, settled_before = $4,
            letters_before = $5, run = $6 WHERE plan_id = $1 AND nth = $2";
    const LETTER: &str =
        "UPDATE dead_letter SET state = 'replayed', state_at = $2, plan_id = $3 WHERE letter_id = $1";
    const PLAN: &str = "UPDATE plan SET published = published + 1, last_at = $2 WHERE plan_id = $1";
    let Item { nth, settled_before, letters_before, letter, .. } = item;
    transaction.execute(ITEM, &[&plan, nth, &now, settled_before, letters_before, &run]).await?;
    transaction.execute(LETTER, &[&letter.as_uuid(), &now, &plan]).await?;
    transaction.execute(PLAN, &[&plan, &now]).await?;
    if let (Some(admission), Some(edit)) = (item.submission, edit) {
        edited::goes_on_corrected(transaction, admission, edit).await?;
    }
    Ok(Next::Published)
}

async fn skip(transaction: &Transaction<'_>, plan: Uuid, nth: i32, why: Why) -> Result<Next, Failure> {
    const SQL: &str = "UPDATE plan_item SET state = 'skipped', why = $3 WHERE plan_id = $1 AND nth = $2";
    transaction.execute(SQL, &[&plan, &nth, &why.as_str()]).await?;
    Ok(Next::Skipped)
}

async fn end(
    transaction: &Transaction<'_>,
    plan: Uuid,
    because: Option<Because>,
    now: Timestamp,
) -> Result<Next, Failure> {
    const SQL: &str = "UPDATE plan SET state = $2, ended_at = $3, stopped_because = $4 WHERE plan_id = $1";
    let state = if because.is_some() { PlanState::Stopped } else { PlanState::Done };
    transaction.execute(SQL, &[&plan, &state.as_str(), &now, &because.map(Because::as_str)]).await?;
    Ok(Next::Ended(state))
}
