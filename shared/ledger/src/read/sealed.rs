//! Under which keys lies what the database keeps.

use domain::ports::StoreDown;

use crate::{Store, failure::Failure};

/// How much of one table is sealed under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedUnder {
    /// The key's id.
    pub key: String,
    /// What is sealed.
    pub table: String,
    /// How many rows.
    pub rows: u64,
}

/// The tables that hold what is sealed, each with its column. All of it is JSON, with the key's id before the nonce.
const SEALED: [(&str, &str); 6] = [
    ("submission_body", "sealed"),
    ("person_record", "sealed"),
    ("held", "envelope"),
    ("dead_letter", "envelope"),
    ("eligibility_answer", "sealed"),
    ("eligibility_recheck", "envelope"),
];

impl Store {
    /// Counts, by key and table, all that is sealed. It reads everything: not for every minute.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn sealed_under(&self) -> Result<Vec<SealedUnder>, StoreDown> {
        let mut all = Vec::new();
        for (table, column) in SEALED {
            let sql = format!(
                "SELECT coalesce(substring(convert_from({column}, 'UTF8') FROM '\"key\":\"([^\"]+)\",\"nonce\"'), '-') AS key,
                    count(*) AS n FROM {table} WHERE {column} IS NOT NULL GROUP BY 1 ORDER BY 1"
            );
            for row in self.db.rows(&sql, &[]).await? {
                let read = || -> Result<SealedUnder, Failure> {
                    Ok(SealedUnder {
                        key: row.try_get("key")?,
                        table: table.to_owned(),
                        rows: u64::try_from(row.try_get::<_, i64>("n")?).map_err(|_| Failure::Data)?,
                    })
                };
                all.push(read().map_err(|_| StoreDown)?);
            }
        }
        Ok(all)
    }
}
