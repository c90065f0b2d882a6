//! Opening a new round of an effect that the EHR refused, after a person changed what was refused.

use domain::{AdmissionId, effect::Kind, ports::StoreDown};

use crate::Store;

impl Store {
    /// Lets a REJECTED effect be begun anew. `false`: there is none in force that was rejected. What was rejected stays as
    /// a row of its own round; what is DONE, in doubt or parked is never reopened.
    ///
    /// # Errors
    /// [`StoreDown`]: it may or may not be reopened; say it again.
    pub async fn reopen(&self, admission: AdmissionId, kind: Kind) -> Result<bool, StoreDown> {
        const SQL: &str = "UPDATE ehr_op SET in_force = false, changed_at = $3
            WHERE admission_id = $1 AND kind = $2 AND in_force AND state = 'rejected' RETURNING op_id";
        let rows = self.db.rows(SQL, &[&admission.as_uuid(), &kind.as_str(), &self.clock.now()]).await?;
        Ok(!rows.is_empty())
    }
}
