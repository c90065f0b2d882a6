//! Which outcomes at the EHR nobody knew, and what became of them, as the ledger's trail tells it.

use super::look;

/// Counts over all effects.
#[derive(Debug, Clone, Default)]
pub struct Ambiguity {
    /// Writes begun.
    pub writes: u64,
    /// Answers that did not tell: a timeout, a reset, a 5xx, something unreadable; or one that came after the lease.
    pub unanswered: u64,
    /// Leases that ended without an outcome: the worker was killed, stopped or cut off.
    pub lapsed: u64,
    /// Found by a search: it was done.
    pub found: u64,
    /// Not found by two searches far enough apart: it was not done, and may be written again.
    pub absent: u64,
    /// Several were found, or one that disagreed: for a person.
    pub conflict: u64,
    /// Still open.
    pub open: u64,
}

/// An outcome is unknown from the row that leads to UNKNOWN or PARKED to the next that leads elsewhere.
const SQL: &str = "WITH trail AS (
        SELECT event, state IN ('unknown', 'parked') AS open, state,
            coalesce(lag(state) OVER (PARTITION BY op_id ORDER BY at, ctid) IN ('unknown', 'parked'), false) AS was_open
        FROM ehr_attempt)
    SELECT
        count(*) FILTER (WHERE event = 'intent'),
        count(*) FILTER (WHERE open AND NOT was_open AND event <> 'lapsed'),
        count(*) FILTER (WHERE open AND NOT was_open AND event = 'lapsed'),
        count(*) FILTER (WHERE was_open AND state = 'done'),
        count(*) FILTER (WHERE was_open AND state = 'ready'),
        count(*) FILTER (WHERE was_open AND NOT open AND state NOT IN ('done', 'ready')),
        (SELECT count(*) FROM ehr_op WHERE in_force AND state IN ('unknown', 'parked'))
    FROM trail";

impl Ambiguity {
    /// Counts.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn count(database: &str) -> anyhow::Result<Self> {
        let [writes, unanswered, lapsed, found, absent, conflict, open] = look::counts(database, SQL).await?;
        Ok(Self { writes, unanswered, lapsed, found, absent, conflict, open })
    }
}
