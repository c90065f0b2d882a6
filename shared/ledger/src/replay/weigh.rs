//! What became of the letters that were published: by their submissions, and by letters of the same message.

use deadpool_postgres::Transaction;
use domain::{
    ids::{LetterId, PlanId},
    ports::StoreDown,
};
use jiff::Timestamp;
use uuid::Uuid;

use super::look;
use crate::{Store, failure::Failure};

/// Counts what is known of a plan's run, at this moment.
const COUNT: &str = "UPDATE plan p SET judged = c.judged, failed = c.failed, heard_at = $2 FROM (
        SELECT count(*) FILTER (WHERE i.outcome IS NOT NULL)::int AS judged,
            count(*) FILTER (WHERE i.outcome = 'failed')::int AS failed
        FROM plan_item i JOIN plan q USING (plan_id)
        WHERE i.plan_id = $1 AND i.state = 'published' AND i.run = q.run) c
    WHERE p.plan_id = $1";

/// The submission of a message that has no row of its own: the one that the journal says it turned out to be.
const FOLLOWED: &str = "SELECT s.state, s.settled_at, s.code FROM submission s
    WHERE l.admission_id IS NULL AND s.admission_id = (SELECT j.admission_id FROM journal j
        WHERE j.message_id = coalesce(l.message_id, l.letter_id) AND j.admission_id IS NOT NULL
        ORDER BY j.seq DESC LIMIT 1)";
/// That the message was answered for good: it repeats what another brought, or it was rejected without being admitted.
const ANSWERED: &str = "SELECT coalesce(j.state, 'repeat') AS state, j.code FROM journal j
    WHERE j.message_id = coalesce(l.message_id, l.letter_id) AND j.event = 'settled' ORDER BY j.seq DESC LIMIT 1";

/// Gives up waiting for what became of letters that somebody took up again: their runs count them for failed. Their plans are locked.
pub(crate) async fn give_up(
    transaction: &Transaction<'_>,
    letters: &[LetterId],
    now: Timestamp,
) -> Result<(), Failure> {
    const SQL: &str = "UPDATE plan_item SET outcome = 'failed'
        WHERE letter_id = ANY($1) AND state = 'published' AND outcome IS NULL RETURNING plan_id";
    let ids: Vec<Uuid> = letters.iter().map(|id| id.as_uuid()).collect();
    let mut plans = Vec::new();
    for row in transaction.query(SQL, &[&ids]).await? {
        plans.push(row.try_get::<_, Uuid>("plan_id")?);
    }
    plans.sort_unstable();
    plans.dedup();
    for plan in plans {
        transaction.execute(COUNT, &[&plan, &now]).await?;
    }
    Ok(())
}

impl Store {
    /// Looks what became of what a plan has published, and counts it for its run. How many are known now that were not before; 0 also if
    /// another process is at it.
    ///
    /// What differs from how things stood before came of the replay: no two clocks are compared.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn weigh(&self, plan: PlanId) -> Result<u64, StoreDown> {
        const LOCK: &str = "SELECT 1 FROM plan WHERE plan_id = $1 FOR UPDATE SKIP LOCKED";
        let judge = format!(
            "UPDATE plan_item i SET outcome = o.outcome, outcome_code = o.code FROM (
                SELECT i.nth, CASE
                        WHEN s.state IN ('completed', 'duplicate') THEN 'completed'
                        WHEN s.state = 'rejected' AND i.forecast = 'would_reject' THEN 'completed'
                        WHEN s.state = 'rejected' THEN 'failed'
                        WHEN s.state = 'held' THEN 'held'
                        WHEN a.letters > i.letters_before THEN 'failed'
                        WHEN s.state = 'dead' AND s.settled_at IS DISTINCT FROM i.settled_before THEN 'failed'
                        WHEN e.state = 'rejected' AND i.forecast <> 'would_reject' THEN 'failed'
                        WHEN e.state IS NOT NULL THEN 'completed'
                    END AS outcome,
                    CASE WHEN s.state IN ('completed', 'duplicate') THEN NULL
                        WHEN s.state IN ('rejected', 'held', 'dead') THEN s.code
                        WHEN a.letters > i.letters_before THEN a.code ELSE e.code END AS code
                FROM plan_item i JOIN dead_letter l USING (letter_id)
                LEFT JOIN LATERAL (SELECT * FROM ({}) own UNION ALL {FOLLOWED} LIMIT 1) s ON true
                LEFT JOIN LATERAL ({ANSWERED}) e ON true
                CROSS JOIN LATERAL (SELECT count(*) AS letters, (array_agg(d.code ORDER BY d.died_at DESC))[1] AS code
                    FROM dead_letter d WHERE d.message_id = coalesce(l.message_id, l.letter_id)) a
                WHERE i.plan_id = $1 AND i.state = 'published' AND i.outcome IS NULL) o
            WHERE i.plan_id = $1 AND i.nth = o.nth AND o.outcome IS NOT NULL",
            look::submission(
                "coalesce(l.clinic, i.clinic)",
                "coalesce(l.submission_id, i.submission_id)",
                "s.state, s.settled_at, s.code"
            ),
        );
        let mut connection = self.db.open().await.map_err(|_| StoreDown)?;
        let work = async {
            let transaction = connection.transaction().await?;
            let id = plan.as_uuid();
            if transaction.query_opt(LOCK, &[&id]).await?.is_none() {
                return Ok(0);
            }
            let statement = transaction.prepare_cached(&judge).await?;
            let judged = transaction.execute(&statement, &[&id]).await?;
            if judged > 0 {
                transaction.execute(COUNT, &[&id, &self.clock.now()]).await?;
                transaction.commit().await?;
            }
            Ok(judged)
        };
        let work = self.db.within(work).await;
        self.db.close(connection, work).map_err(|_| StoreDown)
    }
}
