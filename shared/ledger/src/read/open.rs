//! What is open, as counts and ages, for metrics.

use domain::{ClinicId, Code, LaneName, Stage, effect::Kind, ports::StoreDown};
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

/// What is on its way of one clinic, at one stage if that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnItsWay {
    /// Whose.
    pub clinic: ClinicId,
    /// The stage that it is at, by its last hop; `None` where that was not asked for.
    pub stage: Option<Stage>,
    /// Since when the oldest goes without anybody's doing: since it was received, or since the last hop after a person let it go on.
    pub oldest: Timestamp,
    /// How many go so since before the moment that was asked for.
    pub late: u64,
}

/// Submissions in flight. One that was held or dead counts from its last hop or the decision about it: before, it waited for a person.
const ON_THE_WAY: &str = "SELECT w.clinic, j.stage, coalesce(j.event = 'emitted', false) AS gone_on,
        min(w.since) AS oldest, count(*) FILTER (WHERE w.since < $1) AS late
    FROM (SELECT s.admission_id, s.clinic, CASE WHEN EXISTS (SELECT FROM hold_decision d WHERE d.admission_id = s.admission_id)
                OR EXISTS (SELECT FROM dead_letter l WHERE l.admission_id = s.admission_id)
            THEN greatest(s.received_at, (SELECT max(at) FROM journal j WHERE j.admission_id = s.admission_id),
                (SELECT max(at) FROM hold_decision d WHERE d.admission_id = s.admission_id))
            ELSE s.received_at END AS since
        FROM submission s WHERE s.state = 'in_flight') w
    LEFT JOIN LATERAL (SELECT stage, event FROM journal WHERE $2 AND admission_id = w.admission_id ORDER BY seq DESC LIMIT 1) j
        ON true
    GROUP BY 1, 2, 3";

impl Store {
    /// What is on its way, by clinic; by stage too if there is need to know, which costs more. `late`: what goes since before then is counted.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn on_the_way(&self, late: Timestamp, by_stage: bool) -> Result<Vec<OnItsWay>, StoreDown> {
        let rows = self.db.rows(ON_THE_WAY, &[&late, &by_stage]).await?;
        let read = |row: &Row| {
            let last: Option<Stage> = text::parse_opt(row.try_get("stage")?)?;
            let gone_on: bool = row.try_get("gone_on")?;
            let stage = match last {
                // After the last one there is nothing: its own row is on its way.
                Some(last) if gone_on => last.next().or(Some(last)),
                None if by_stage => Some(Stage::Validation),
                last => last,
            };
            let late = u64::try_from(row.try_get::<_, i64>("late")?).map_err(|_| Failure::Data)?;
            Ok(OnItsWay {
                clinic: text::parse(row.try_get("clinic")?)?,
                stage,
                oldest: row.try_get("oldest")?,
                late,
            })
        };
        rows.iter().map(|row| read(row).map_err(|_: Failure| StoreDown)).collect()
    }

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
