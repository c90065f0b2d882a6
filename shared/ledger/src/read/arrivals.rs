//! When submissions came, by source.

use domain::{ClinicId, ids::SourceName, ports::StoreDown, silence::Arrivals};
use jiff::Timestamp;
use tokio_postgres::Row;

use crate::{Store, failure::Failure, text};

impl Store {
    /// What was received since a moment, by clinic, source and hour, oldest first.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn arrivals(
        &self,
        since: Timestamp,
    ) -> Result<Vec<(ClinicId, SourceName, Arrivals)>, StoreDown> {
        const SQL: &str =
            "SELECT clinic, source, floor(extract(epoch FROM received_at) / 3600)::bigint AS hour,
                count(*) AS n, max(received_at) AS last
            FROM submission WHERE received_at >= $1 GROUP BY 1, 2, 3 ORDER BY 3, 1, 2";
        let one = |row: &Row| {
            let hour: i64 = row.try_get("hour")?;
            let hour = hour.checked_mul(3600).and_then(|second| Timestamp::from_second(second).ok());
            let arrivals = Arrivals {
                hour: hour.ok_or(Failure::Data)?,
                count: u64::try_from(row.try_get::<_, i64>("n")?).map_err(|_| Failure::Data)?,
                last: row.try_get("last")?,
            };
            Ok::<_, Failure>((text::clinic(row)?, text::parse(row.try_get("source")?)?, arrivals))
        };
        let rows = self.db.rows(SQL, &[&since]).await?;
        rows.iter().map(|row| one(row).map_err(|_| StoreDown)).collect()
    }
}
