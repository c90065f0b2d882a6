//! What became of the letters that were published: by their submissions, and by letters of the same message.

use domain::{ids::PlanId, ports::StoreDown};

use super::look;
use crate::Store;

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
        const COUNT: &str = "UPDATE plan p SET judged = c.judged, failed = c.failed FROM (
                SELECT count(*) FILTER (WHERE i.outcome IS NOT NULL)::int AS judged,
                    count(*) FILTER (WHERE i.outcome = 'failed')::int AS failed
                FROM plan_item i JOIN plan q USING (plan_id)
                WHERE i.plan_id = $1 AND i.state = 'published' AND i.run = q.run) c
            WHERE p.plan_id = $1";
        let judge = format!(
            "UPDATE plan_item i SET outcome = o.outcome, outcome_code = o.code FROM (
                SELECT i.nth, CASE
                        WHEN s.state IN ('completed', 'duplicate') THEN 'completed'
                        WHEN s.state = 'rejected' AND i.forecast = 'would_reject' THEN 'completed'
                        WHEN s.state = 'rejected' THEN 'failed'
                        WHEN s.state = 'held' THEN 'held'
                        WHEN a.letters > i.letters_before THEN 'failed'
                        WHEN s.state = 'dead' AND s.settled_at IS DISTINCT FROM i.settled_before THEN 'failed'
                    END AS outcome,
                    CASE WHEN s.state IN ('completed', 'duplicate') THEN NULL
                        WHEN s.state IN ('rejected', 'held', 'dead') THEN s.code ELSE a.code END AS code
                FROM plan_item i JOIN dead_letter l USING (letter_id)
                LEFT JOIN LATERAL ({}) s ON true
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
                transaction.execute(COUNT, &[&id]).await?;
                transaction.commit().await?;
            }
            Ok(judged)
        };
        let work = self.db.within(work).await;
        self.db.close(connection, work).map_err(|_| StoreDown)
    }
}
