//! What is open, as counts and ages, for metrics.

use domain::{Code, LaneName, Stage, effect::Kind, ports::StoreDown};
use jiff::Timestamp;
use tokio_postgres::Row;

use super::status::State;
use crate::{Store, failure::Failure, letters, text};

/// So many of a class, and since when the oldest of them stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Class<C> {
    /// The class.
    pub class: C,
    /// How many.
    pub count: u64,
    /// Since when the oldest.
    pub oldest: Option<Timestamp>,
}

/// What is open. What has come to its end is not looked at, however much that is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Open {
    /// Submissions that are on their way, held or dead, refused copies included; since when they were received.
    pub submissions: Vec<Class<State>>,
    /// Effects that are neither done nor rejected, by the ledger's state; of unknown ones, since when they are unknown.
    pub effects: Vec<Class<(Kind, String)>>,
    /// Dead letters with which nobody has dealt; since when they are dead.
    pub letters: Vec<Class<(Stage, LaneName, Option<Code>)>>,
    /// What waits for a person's decision.
    pub holds: Vec<Class<(Stage, Code)>>,
}

const SUBMISSIONS: &str = "SELECT state, count(*) AS n, min(received_at) AS oldest FROM submission
    WHERE state = 'in_flight' GROUP BY 1
    UNION ALL SELECT state, count(*), min(received_at) FROM submission WHERE state IN ('held', 'dead') GROUP BY 1";

const EFFECTS: &str = "SELECT kind, state, count(*) AS n, min(unknown_since) AS oldest FROM ehr_op
    WHERE state NOT IN ('done', 'rejected') AND in_force GROUP BY 1, 2";

const HOLDS: &str = "SELECT stage, code, count(*) AS n, min(since) AS oldest FROM held GROUP BY 1, 2";

impl Store {
    /// What is open.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn open_work(&self) -> Result<Open, StoreDown> {
        let letters = format!(
            "SELECT stage, lane, code, count(*) AS n, min(died_at) AS oldest FROM dead_letter
            WHERE dead_letter.state = 'open' AND {} = 'open' GROUP BY 1, 2, 3",
            letters::STATE
        );
        Ok(Open {
            submissions: self.classes(SUBMISSIONS, |row| text::parse(row.try_get("state")?)).await?,
            effects: self
                .classes(EFFECTS, |row| Ok((text::parse(row.try_get("kind")?)?, row.try_get("state")?)))
                .await?,
            letters: self
                .classes(&letters, |row| {
                    Ok((stage(row)?, text::parse(row.try_get("lane")?)?, text::code(row, "code")?))
                })
                .await?,
            holds: self.classes(HOLDS, |row| Ok((stage(row)?, text::parse(row.try_get("code")?)?))).await?,
        })
    }

    async fn classes<C>(
        &self,
        sql: &str,
        class: impl Fn(&Row) -> Result<C, Failure>,
    ) -> Result<Vec<Class<C>>, StoreDown> {
        let read = |row: &Row| {
            let count = u64::try_from(row.try_get::<_, i64>("n")?).map_err(|_| Failure::Data)?;
            Ok(Class { class: class(row)?, count, oldest: row.try_get("oldest")? })
        };
        let rows = self.db.rows(sql, &[]).await?;
        rows.iter().map(|row| read(row).map_err(|_: Failure| StoreDown)).collect()
    }
}

fn stage(row: &Row) -> Result<Stage, Failure> {
    text::parse(row.try_get("stage")?)
}
