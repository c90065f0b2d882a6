//! What goes on now: how much passed each stage lately, what waits there for a person, and since when the oldest is on its way.

use domain::{ClinicId, LaneName, Stage, ports::StoreDown};
use jiff::Timestamp;
use tokio_postgres::Row;

use super::status::State;
use crate::{Store, failure::Failure, letters::STATE, text};

/// How many submissions in flight are looked at for the oldest of each queue, oldest first: a backlog must not make looking slow.
const LOOKED_AT: i64 = 1000;

/// What passed a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// Where.
    pub stage: Stage,
    /// In which lane.
    pub lane: LaneName,
    /// Of which clinic; `None` where that could not be read.
    pub clinic: Option<ClinicId>,
    /// Messages that the stage was done with: handed on, ended, held or dead.
    pub left: u64,
    /// Those among them that it handed on.
    pub emitted: u64,
}

/// What lies at a stage until a person does something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parked {
    /// Where.
    pub stage: Stage,
    /// In which lane.
    pub lane: LaneName,
    /// How many.
    pub count: u64,
}

/// The oldest submission on its way at a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Oldest {
    /// Where it is, by its last hop.
    pub stage: Stage,
    /// In which lane.
    pub lane: LaneName,
    /// When it was first seen.
    pub received_at: Timestamp,
}

/// What goes on now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Activity {
    /// What passed, by stage, lane and clinic.
    pub flows: Vec<Flow>,
    /// What waits for a person's decision.
    pub held: Vec<Parked>,
    /// Open dead letters that were collected.
    pub dead: Vec<Parked>,
    /// The oldest at each place. What validation has not seen yet is in none, nor what is not among the oldest 1,000 of all.
    pub oldest: Vec<Oldest>,
}

const FLOWS: &str = "SELECT stage, lane, clinic, count(*) AS n, count(*) FILTER (WHERE event = 'emitted') AS emitted
    FROM journal WHERE at >= $1 AND event IN ('emitted', 'settled', 'held', 'died') GROUP BY 1, 2, 3 ORDER BY 1, 2, 3";

const HELD: &str = "SELECT stage, lane, count(*) AS n FROM held GROUP BY 1, 2 ORDER BY 1, 2";

const OLDEST: &str = "SELECT j.stage, j.lane, j.event = 'emitted' AS gone_on, min(s.received_at) AS received_at
    FROM (SELECT admission_id, received_at FROM submission WHERE state = 'in_flight' ORDER BY received_at LIMIT $1) s
    JOIN LATERAL (SELECT stage, lane, event FROM journal WHERE admission_id = s.admission_id ORDER BY seq DESC LIMIT 1) j
        ON true
    GROUP BY 1, 2, 3";

impl Store {
    /// What goes on now; what passed is counted from `since` on.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn activity(&self, since: Timestamp) -> Result<Activity, StoreDown> {
        let flows = self.db.rows(FLOWS, &[&since]).await?;
        let held = self.db.rows(HELD, &[]).await?;
        let dead = format!(
            "SELECT stage, lane, count(*) AS n FROM dead_letter WHERE state = 'open' AND {STATE} = 'open' GROUP BY 1, 2"
        );
        let dead = self.db.rows(&dead, &[]).await?;
        let oldest = self.db.rows(OLDEST, &[&LOOKED_AT]).await?;
        let read = || {
            Ok::<_, Failure>(Activity {
                flows: flows.iter().map(flow).collect::<Result<_, _>>()?,
                held: held.iter().map(parked).collect::<Result<_, _>>()?,
                dead: dead.iter().map(parked).collect::<Result<_, _>>()?,
                oldest: places(&oldest)?,
            })
        };
        read().map_err(|_| StoreDown)
    }

    /// How many submissions, refused copies included, stand where: of one clinic, or of all. Every state is there.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn standing(&self, clinic: Option<&ClinicId>) -> Result<Vec<(State, u64)>, StoreDown> {
        const SQL: &str =
            "SELECT state, count(*) AS n FROM submission WHERE $1::text IS NULL OR clinic = $1 GROUP BY 1";
        let rows = self.db.rows(SQL, &[&clinic.map(ClinicId::as_str)]).await?;
        let mut counts = State::ALL.map(|state| (state, 0));
        for row in &rows {
            let read = || Ok::<_, Failure>((text::parse::<State>(row.try_get("state")?)?, number(row, "n")?));
            let (state, count) = read().map_err(|_| StoreDown)?;
            for one in counts.iter_mut().filter(|one| one.0 == state) {
                one.1 = count;
            }
        }
        Ok(counts.into())
    }
}

fn flow(row: &Row) -> Result<Flow, Failure> {
    Ok(Flow {
        stage: text::parse(row.try_get("stage")?)?,
        lane: text::parse(row.try_get("lane")?)?,
        clinic: text::parse_opt(row.try_get("clinic")?)?,
        left: number(row, "n")?,
        emitted: number(row, "emitted")?,
    })
}

fn parked(row: &Row) -> Result<Parked, Failure> {
    Ok(Parked {
        stage: text::parse(row.try_get("stage")?)?,
        lane: text::parse(row.try_get("lane")?)?,
        count: number(row, "n")?,
    })
}

/// What a stage handed on is at the next one; all else is where its last hop was.
fn places(rows: &[Row]) -> Result<Vec<Oldest>, Failure> {
    let mut found: Vec<Oldest> = Vec::new();
    for row in rows {
        let last: Stage = text::parse(row.try_get("stage")?)?;
        let gone_on: bool = row.try_get("gone_on")?;
        let Some(stage) = (if gone_on { last.next() } else { Some(last) }) else { continue };
        let (lane, received_at) = (text::parse(row.try_get("lane")?)?, row.try_get("received_at")?);
        match found.iter_mut().find(|one| one.stage == stage && one.lane == lane) {
            Some(known) => known.received_at = known.received_at.min(received_at),
            None => found.push(Oldest { stage, lane, received_at }),
        }
    }
    found.sort_by(|a, b| (a.stage, &a.lane).cmp(&(b.stage, &b.lane)));
    Ok(found)
}

fn number(row: &Row, column: &str) -> Result<u64, Failure> {
    u64::try_from(row.try_get::<_, i64>(column)?).map_err(|_| Failure::Data)
}
