//! What the stages' processes leave behind beside their hops: breakers that are not closed, and messages that are handled alone.

use domain::{
    Endpoint, LaneName, MessageId, Stage,
    breaker::{BreakerReport, BreakerState},
    ids::{ProcessId, SuspectId},
    ports::{Pending, StageLog, StoreDown, SwitchScope},
    suspect::{Alone, DEATHS_ALONE, SILENCE, Suspect},
};
use jiff::{SignedDuration, Timestamp};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::{Store, failure::Failure, text};

/// Rows of processes that have told nothing for this long are removed by the next process that tells something.
const FORGOTTEN_AFTER: SignedDuration = SignedDuration::from_mins(10);

/// A breaker that a process has told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldBreaker {
    /// Which process.
    pub process: ProcessId,
    /// Its stage.
    pub stage: Stage,
    /// Of what.
    pub endpoint: Endpoint,
    /// How it stood.
    pub state: BreakerState,
    /// When the endpoint's failures began.
    pub since: Timestamp,
    /// When it lets the next probe pass; `None` once it does.
    pub probe_at: Option<Timestamp>,
    /// The lanes whose messages it has put off.
    pub lanes: Vec<LaneName>,
    /// When that was told.
    pub told_at: Timestamp,
}

const REPORT: &str = "WITH gone AS (DELETE FROM breaker
         WHERE process = $1 AND NOT endpoint = ANY($3) OR process <> $1 AND told_at < $9 RETURNING endpoint)
     INSERT INTO breaker (process, stage, endpoint, state, since, probe_at, lanes, told_at)
     SELECT $1, $2, n.endpoint, n.state, n.since, n.probe_at, string_to_array(n.lanes, ','), $8
     FROM unnest($3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::text[])
         AS n (endpoint, state, since, probe_at, lanes)
     ON CONFLICT (process, endpoint) DO UPDATE SET state = excluded.state, since = excluded.since,
         probe_at = excluded.probe_at, lanes = excluded.lanes, told_at = excluded.told_at
     WHERE breaker.told_at <= excluded.told_at";

/// What another process left behind is its death once it is silent; until then it may be at work. Who isolated it did not die of it. What was
/// isolated is judged anew when it is replayed: then the broker counts from the beginning. What only comes back, because it was never
/// acknowledged, counts on, and stays what it was.
const BEGIN: &str = "INSERT INTO suspect AS s
         (suspect_id, message_id, stage, lane, comebacks, process, began_at, seen_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $7)
     ON CONFLICT (suspect_id) DO UPDATE SET
         comebacks = excluded.comebacks,
         deaths = CASE WHEN s.isolated_at IS NOT NULL AND excluded.comebacks <= s.comebacks THEN 0
             WHEN s.isolated_at IS NOT NULL THEN s.deaths
             ELSE s.deaths + (s.process <> excluded.process AND s.seen_at <= $8)::integer END,
         died_at = CASE WHEN s.isolated_at IS NOT NULL AND excluded.comebacks <= s.comebacks THEN NULL
             WHEN s.isolated_at IS NOT NULL THEN s.died_at
             WHEN s.process <> excluded.process AND s.seen_at <= $8 THEN s.seen_at ELSE s.died_at END,
         isolated_at = CASE WHEN excluded.comebacks <= s.comebacks THEN NULL ELSE s.isolated_at END,
         began_at = CASE WHEN s.process <> excluded.process AND s.seen_at <= $8 THEN excluded.began_at ELSE s.began_at END,
         process = CASE WHEN s.seen_at <= $8 THEN excluded.process ELSE s.process END,
         seen_at = CASE WHEN s.process = excluded.process OR s.seen_at <= $8 THEN excluded.seen_at ELSE s.seen_at END
     RETURNING process, seen_at, deaths, died_at";

impl Store {
    /// The breakers that processes have told of and that are not closed, by stage and endpoint.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn breakers(&self) -> Result<Vec<ToldBreaker>, StoreDown> {
        const SQL: &str =
            "SELECT process, stage, endpoint, state, since, probe_at, lanes, told_at FROM breaker
            WHERE told_at >= $1 ORDER BY stage, endpoint, process";
        let rows = self.db.rows(SQL, &[&earlier(self.clock.now(), FORGOTTEN_AFTER)]).await?;
        rows.iter().map(|row| told(row).map_err(|_| StoreDown)).collect()
    }
}

/// What is on record of a message that processes died of.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Crash {
    /// The stage.
    pub stage: String,
    /// How often the broker had given it before the last one.
    pub comebacks: i32,
    /// How many processes died with nothing else in hand.
    pub deaths: i32,
    /// When the last of them said that it lived.
    pub last_seen_at: Timestamp,
}

impl Store {
    /// What is on record of a message that processes died of, the last stage's if it was several; `None`: none is known to have.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn crash(&self, message: MessageId) -> Result<Option<Crash>, StoreDown> {
        const SQL: &str = "SELECT stage, comebacks, deaths, died_at FROM suspect
            WHERE message_id = $1 AND died_at IS NOT NULL ORDER BY died_at DESC LIMIT 1";
        let crash = |row: &Row| {
            Ok::<_, Failure>(Crash {
                stage: row.try_get("stage")?,
                comebacks: row.try_get("comebacks")?,
                deaths: row.try_get("deaths")?,
                last_seen_at: row.try_get("died_at")?,
            })
        };
        let rows = self.db.rows(SQL, &[&message.as_uuid()]).await?;
        rows.first().map(|row| crash(row).map_err(|_| StoreDown)).transpose()
    }
}

impl StageLog for Store {
    fn breakers(&self, report: BreakerReport) -> Pending<Result<(), StoreDown>> {
        let db = self.db.clone();
        Box::pin(async move {
            let BreakerReport { process, stage, at, breakers } = report;
            let endpoints: Vec<&str> = breakers.iter().map(|one| one.endpoint.as_str()).collect();
            let states: Vec<&str> = breakers.iter().map(|one| one.state.as_str()).collect();
            let since: Vec<Timestamp> = breakers.iter().map(|one| one.since).collect();
            let probes: Vec<Option<Timestamp>> = breakers.iter().map(|one| one.probe_at).collect();
            // `unnest` flattens arrays of arrays: a list travels as text. Names of lanes hold no comma.
            let names = |lanes: &std::collections::BTreeSet<LaneName>| {
                lanes.iter().map(LaneName::as_str).collect::<Vec<_>>().join(",")
            };
            let lanes: Vec<String> = breakers.iter().map(|one| names(&one.lanes)).collect();
            let forgotten = earlier(at, FORGOTTEN_AFTER);
            let (process, stage) = (process.as_uuid(), stage.as_str());
            db.rows(
                REPORT,
                &[&process, &stage, &endpoints, &states, &since, &probes, &lanes, &at, &forgotten],
            )
            .await
            .map(drop)
        })
    }

    fn begin_alone(&self, suspect: Suspect) -> Pending<Result<Alone, StoreDown>> {
        let db = self.db.clone();
        Box::pin(async move {
            let Suspect { id, message, stage, lane, comebacks, process, at } = suspect;
            let comebacks = i32::try_from(comebacks).unwrap_or(i32::MAX);
            let (id, message, own) = (id.as_uuid(), message.as_uuid(), process.as_uuid());
            let (stage, lane, silent) = (stage.as_str(), lane.as_str(), earlier(at, SILENCE));
            let rows =
                db.rows(BEGIN, &[&id, &message, &stage, &lane, &comebacks, &own, &at, &silent]).await?;
            rows.first().ok_or(Failure::Data).and_then(|row| known(row, process)).map_err(|_| StoreDown)
        })
    }

    fn end_alone(&self, suspect: SuspectId, process: ProcessId) -> Pending<Result<(), StoreDown>> {
        const SQL: &str = "DELETE FROM suspect WHERE suspect_id = $1 AND process = $2";
        let db = self.db.clone();
        Box::pin(async move { db.rows(SQL, &[&suspect.as_uuid(), &process.as_uuid()]).await.map(drop) })
    }

    fn isolated(&self, suspect: SuspectId, at: Timestamp) -> Pending<Result<(), StoreDown>> {
        const SQL: &str = "UPDATE suspect SET isolated_at = $2 WHERE suspect_id = $1";
        let db = self.db.clone();
        Box::pin(async move { db.rows(SQL, &[&suspect.as_uuid(), &at]).await.map(drop) })
    }
}

fn earlier(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_sub(by).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn known(row: &Row, own: ProcessId) -> Result<Alone, Failure> {
    let process: Uuid = row.try_get("process")?;
    let seen_at: Timestamp = row.try_get("seen_at")?;
    if process != own.as_uuid() {
        return Ok(Alone::Elsewhere { until: seen_at.saturating_add(SILENCE).unwrap_or(seen_at) });
    }
    let deaths = u32::try_from(row.try_get::<_, i32>("deaths")?).unwrap_or(0);
    match row.try_get("died_at")? {
        Some(last) if deaths >= DEATHS_ALONE => Ok(Alone::Proven { deaths, last }),
        _ => Ok(Alone::Begun),
    }
}

fn told(row: &Row) -> Result<ToldBreaker, Failure> {
    let lanes: Vec<&str> = row.try_get("lanes")?;
    let SwitchScope::Endpoint(endpoint) = text::parse(row.try_get("endpoint")?)? else {
        return Err(Failure::Data);
    };
    Ok(ToldBreaker {
        process: ProcessId::from_uuid(row.try_get("process")?),
        stage: text::parse(row.try_get("stage")?)?,
        endpoint,
        state: text::parse(row.try_get("state")?)?,
        since: row.try_get("since")?,
        probe_at: row.try_get("probe_at")?,
        lanes: lanes.into_iter().map(text::parse).collect::<Result<_, _>>()?,
        told_at: row.try_get("told_at")?,
    })
}
