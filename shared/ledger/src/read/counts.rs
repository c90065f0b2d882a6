//! Counts that reconciliation holds together, and how long submissions took.

use domain::{ClinicId, Code, effect::Kind, ports::StoreDown};
use tokio_postgres::Row;

use super::{outcomes::OutcomeFilter, status::State};
use crate::{Store, failure::Failure, text};

/// How many submissions are in a state, for a reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateCount {
    /// The state.
    pub state: State,
    /// The reason.
    pub code: Option<Code>,
    /// How many, refused copies included.
    pub count: u64,
}

/// How many effects stand where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectCount {
    /// What they are on.
    pub kind: Kind,
    /// `create` or `update`.
    pub role: String,
    /// Where they stand, such as `done`.
    pub state: String,
    /// How many in force.
    pub count: u64,
    /// How many different resources, where they are done.
    pub resources: u64,
}

/// The counts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    /// Submissions admitted, without refused copies.
    pub submissions: u64,
    /// Refused copies.
    pub copies: u64,
    /// Persons known.
    pub persons: u64,
    /// By state and reason.
    pub states: Vec<StateCount>,
    /// Different submissions that the journal knows of, copies included.
    pub journal_submissions: u64,
    /// Messages in the journal that could not be admitted at all.
    pub journal_undecodable: u64,
    /// Effects in the EHR.
    pub effects: Vec<EffectCount>,
    /// Messages to patients by channel and state.
    pub notifications: Vec<(String, String, u64)>,
}

/// How long completed submissions took from first seen to settled, milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Percentiles {
    /// How many.
    pub count: u64,
    /// Half took at most this.
    pub p50_ms: f64,
    /// 99 of 100 took at most this.
    pub p99_ms: f64,
    /// The longest.
    pub max_ms: f64,
}

/// Submissions of the filter; `state` is not part of it where counts are by state.
const THESE: &str = "($1::text IS NULL OR s.clinic = $1) AND ($2::timestamptz IS NULL OR s.received_at >= $2)
    AND ($3::timestamptz IS NULL OR s.received_at < $3)";

impl Store {
    /// Counts everything that belongs to the submissions of a filter (its `state` is not looked at).
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn counts(&self, filter: &OutcomeFilter) -> Result<Counts, StoreDown> {
        let clinic = filter.clinic.as_ref().map(ClinicId::as_str);
        let ask = async |sql: String| self.db.rows(&sql, &[&clinic, &filter.from, &filter.until]).await;
        let states = ask(format!(
            "SELECT s.copy, s.state, s.code, count(*) AS n FROM submission s WHERE {THESE}
            GROUP BY 1, 2, 3 ORDER BY 2, 3 NULLS FIRST"
        ))
        .await?;
        let persons = ask(format!(
            "SELECT count(DISTINCT s.person_id) AS n FROM submission s WHERE s.person_id IS NOT NULL AND {THESE}"
        ))
        .await?;
        let journal = ask("SELECT count(DISTINCT j.admission_id) AS known,
                count(DISTINCT j.message_id) FILTER (WHERE j.admission_id IS NULL AND j.event = 'died') AS unknown
            FROM journal j LEFT JOIN submission s USING (admission_id)
            WHERE ($1::text IS NULL OR j.clinic = $1)
                AND ($2::timestamptz IS NULL OR coalesce(s.received_at, j.at) >= $2)
                AND ($3::timestamptz IS NULL OR coalesce(s.received_at, j.at) < $3)"
            .to_owned())
        .await?;
        let effects = ask(format!(
            "SELECT o.kind, o.role, o.state, count(*) AS n, count(DISTINCT o.resource_id) AS resources
            FROM ehr_op o JOIN submission s USING (admission_id) WHERE o.in_force AND {THESE}
            GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
        ))
        .await?;
        let sent = ask(format!(
            "SELECT n.channel, n.state, count(*) AS n FROM notification n JOIN submission s USING (admission_id)
            WHERE {THESE} GROUP BY 1, 2 ORDER BY 1, 2"
        ))
        .await?;
        gather(&states, &persons, &journal, &effects, &sent).map_err(|_| StoreDown)
    }

    /// How long the completed submissions of a filter took.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn durations(&self, filter: &OutcomeFilter) -> Result<Percentiles, StoreDown> {
        let sql = format!(
            "SELECT count(*) AS n, coalesce(percentile_disc(0.5) WITHIN GROUP (ORDER BY ms), 0) AS p50,
                coalesce(percentile_disc(0.99) WITHIN GROUP (ORDER BY ms), 0) AS p99, coalesce(max(ms), 0) AS top
            FROM (SELECT (extract(epoch FROM s.settled_at - s.received_at) * 1000)::float8 AS ms FROM submission s
                  WHERE s.state = 'completed' AND {THESE}) took"
        );
        let clinic = filter.clinic.as_ref().map(ClinicId::as_str);
        let rows = self.db.rows(&sql, &[&clinic, &filter.from, &filter.until]).await?;
        rows.first().map_or(Ok(Percentiles::default()), |row| percentiles(row).map_err(|_| StoreDown))
    }
}

fn percentiles(row: &Row) -> Result<Percentiles, Failure> {
    Ok(Percentiles {
        count: number(row, "n")?,
        p50_ms: row.try_get("p50")?,
        p99_ms: row.try_get("p99")?,
        max_ms: row.try_get("top")?,
    })
}

fn gather(
    states: &[Row],
    persons: &[Row],
    journal: &[Row],
    effects: &[Row],
    sent: &[Row],
) -> Result<Counts, Failure> {
    let mut counts = Counts::default();
    for row in states {
        let count = number(row, "n")?;
        if row.try_get("copy")? {
            counts.copies += count;
        } else {
            counts.submissions += count;
        }
        let (state, code) = (text::parse(row.try_get("state")?)?, text::code(row, "code")?);
        match counts.states.iter_mut().find(|known| known.state == state && known.code == code) {
            Some(known) => known.count += count,
            None => counts.states.push(StateCount { state, code, count }),
        }
    }
    for row in persons {
        counts.persons = number(row, "n")?;
    }
    for row in journal {
        counts.journal_submissions = number(row, "known")?;
        counts.journal_undecodable = number(row, "unknown")?;
    }
    for row in effects {
        counts.effects.push(EffectCount {
            kind: text::parse(row.try_get("kind")?)?,
            role: row.try_get("role")?,
            state: row.try_get("state")?,
            count: number(row, "n")?,
            resources: number(row, "resources")?,
        });
    }
    for row in sent {
        counts.notifications.push((row.try_get("channel")?, row.try_get("state")?, number(row, "n")?));
    }
    Ok(counts)
}

fn number(row: &Row, column: &str) -> Result<u64, Failure> {
    u64::try_from(row.try_get::<_, i64>(column)?).map_err(|_| Failure::Data)
}
