//! By what a submission is found in logs and traces.

use domain::CorrelationId;
use tokio_postgres::Row;

use crate::failure::Failure;

/// The trace of a submission `s`: that of its first hop. Those of refused copies come later.
pub(crate) const TRACE: &str = "(SELECT j.trace_id FROM journal j
    WHERE j.admission_id = s.admission_id AND j.trace_id IS NOT NULL ORDER BY j.seq LIMIT 1)";

/// What all that is done for a submission has in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thread {
    /// The correlation id.
    pub correlation: CorrelationId,
    /// The trace that it came in, if the journal still has it.
    pub trace_id: Option<String>,
}

impl Thread {
    /// From the columns `correlation_id` and `trace_id`.
    pub(crate) fn read(row: &Row) -> Result<Self, Failure> {
        let correlation = CorrelationId::from_uuid(row.try_get("correlation_id")?);
        Ok(Self { correlation, trace_id: row.try_get("trace_id")? })
    }
}
