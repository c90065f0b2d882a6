//! The real line, seen from its two ends: what is published to `intake.ingest`, and what the database says of it.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use anyhow::{Context as _, ensure};
use domain::{
    Exchange,
    clock::{Clock as _, SystemClock},
    submission::SCHEMA,
};
use frontdesk::local::Stack;
use jiff::Timestamp;
use lapin::{BasicProperties, types::ShortString};
use testkit::{
    sandbox::{Control, Kind},
    wait,
};
use tokio::time::Instant;

use super::{
    figures::Latencies,
    ideal::Measured,
    wire::{Outgoing, confirming, connect, feed},
};
use crate::chaos::{
    look,
    people::{Clinic, Dispatch, Parcel, Plan, load, offers, plan},
};

/// How long a backlog may take to be worked off.
const PATIENCE: Duration = Duration::from_secs(30 * 60);
/// How many of a plan's submissions are the first of somebody, at least: in thousandths.
const NEWCOMERS: u32 = 750;

/// The line under measurement.
pub struct Line<'a> {
    stack: &'a Stack,
    control: Control,
    database: String,
    people: Newcomers,
    sent: u64,
}

/// People who come for the first time, each from one clinic: what a person who comes again has to wait for would measure the plan, not the line.
struct Newcomers {
    plan: Plan,
    last: Option<u32>,
}

impl Iterator for Newcomers {
    type Item = Parcel;

    fn next(&mut self) -> Option<Parcel> {
        loop {
            if let Dispatch::One(parcel) = self.plan.next()?
                && self.last.is_none_or(|last| parcel.asked.person > last)
            {
                self.last = Some(parcel.asked.person);
                return Some(parcel);
            }
        }
    }
}

/// What the database had to do.
#[derive(Debug, Clone, Copy, Default)]
pub struct Work {
    /// Transactions that ended well, those that only read among them.
    pub commits: u64,
    /// Rows inserted.
    pub inserted: u64,
    /// Rows updated.
    pub updated: u64,
    /// Bytes of tables and indexes on the disk.
    pub bytes: u64,
}

impl<'a> Line<'a> {
    /// The line of a run, with people and slots for so many intakes in all.
    ///
    /// # Errors
    /// If the sandbox does not take them.
    pub async fn new(
        stack: &'a Stack,
        clinics: Vec<Clinic>,
        seed: u64,
        intakes: u32,
    ) -> anyhow::Result<Self> {
        let control = Control::new(&stack.sandbox.control_url)?;
        let (count, begin) = (u64::from(intakes) * 1000 / u64::from(NEWCOMERS) + 100, SystemClock.now());
        load(&control, offers(seed, count, begin, &clinics)?).await?;
        let people = Newcomers { plan: plan(seed, count, begin, clinics)?, last: None };
        Ok(Self { stack, control, database: stack.endpoints.postgres.url()?, people, sent: 0 })
    }

    /// Sends so many intakes, as fast as the broker takes them or so many a second.
    ///
    /// # Errors
    /// If the broker does not take them.
    pub async fn send(&mut self, count: u32, a_second: Option<f64>) -> anyhow::Result<Sent> {
        let connection = connect(&self.stack.endpoints.amqp.url()?, "bench-source").await?;
        let channel = confirming(&connection).await?;
        let (begin, began_at) = (Instant::now(), SystemClock.now());
        let mut due_at = HashMap::with_capacity(usize::try_from(count)?);
        let make = |_: u32, due: Instant| {
            let parcel = self.people.next().context("more intakes than people")?;
            due_at.insert(parcel.asked.submission.clone(), began_at + due.duration_since(begin));
            let properties = BasicProperties::default()
                .with_delivery_mode(2)
                .with_content_type("application/json".into())
                .with_type(ShortString::from(SCHEMA))
                .with_message_id(SystemClock.fresh_id().to_string().into());
            let exchange = Exchange::Ingest.as_str().to_owned();
            let key = format!("clinic.{}", parcel.asked.clinic);
            Ok(Outgoing { exchange, key, properties, body: parcel.body.to_vec() })
        };
        feed(&channel, count, a_second, make).await?;
        connection.close(200, "done".into()).await?;
        self.sent += u64::from(count);
        Ok(Sent { began_at, due_at })
    }

    /// Sends them, and waits for the end of each.
    ///
    /// # Errors
    /// If one does not come to its end.
    pub async fn measure(&mut self, count: u32, a_second: Option<f64>) -> anyhow::Result<Measured> {
        let sent = self.send(count, a_second).await?;
        self.settled().await?;
        let rows = look::rows(
            &self.database,
            "SELECT submission_id, extract(epoch FROM settled_at)::float8 FROM submission
                WHERE state = 'completed' AND received_at >= $1::text::timestamptz",
            &[&sent.began_at.to_string()],
        )
        .await?;
        let begin = epoch(sent.began_at);
        let (mut last, mut latencies) = (begin, Vec::with_capacity(sent.due_at.len()));
        for row in rows {
            let (id, end): (String, f64) = (row.try_get(0)?, row.try_get(1)?);
            let Some(due) = sent.due_at.get(&id) else { continue };
            latencies.push(Duration::from_secs_f64((end - epoch(*due)).max(0.0)));
            last = last.max(end);
        }
        ensure!(latencies.len() == sent.due_at.len(), "{} of {count} are completed", latencies.len());
        Ok(Measured { took: Duration::from_secs_f64(last - begin), latencies: Latencies::of(latencies) })
    }

    /// Waits until nothing that was sent is on its way any more.
    ///
    /// # Errors
    /// If it does not get there.
    pub async fn settled(&self) -> anyhow::Result<()> {
        self.until("SELECT count(*) FROM submission WHERE settled_at IS NOT NULL", self.sent).await
    }

    /// Waits until a stage has handed all on that was sent.
    ///
    /// # Errors
    /// If it does not get there.
    pub async fn through(&self, stage: &str) -> anyhow::Result<()> {
        let sql = format!(
            "SELECT count(DISTINCT admission_id) FROM journal WHERE stage = '{stage}' AND event IN ('emitted', 'settled')"
        );
        self.until(&sql, self.sent).await
    }

    async fn until(&self, sql: &str, count: u64) -> anyhow::Result<()> {
        let there = async || look::counts::<1>(&self.database, sql).await.is_ok_and(|[now]| now >= count);
        wait::until(PATIENCE, there).await.context("the line does not get to its end")
    }

    /// From a stage's first hand-off since then to its last.
    ///
    /// # Errors
    /// If it made none.
    pub async fn span(&self, stage: &str, since: Timestamp) -> anyhow::Result<Duration> {
        let sql = "SELECT extract(epoch FROM max(at) - min(started_at))::float8 FROM journal WHERE stage = $1 AND at >= $2::text::timestamptz";
        let rows = look::rows(&self.database, sql, &[&stage, &since.to_string()]).await?;
        let span: Option<f64> = rows.first().context("there is no row")?.try_get(0)?;
        Ok(Duration::from_secs_f64(span.with_context(|| format!("{stage} handed nothing on"))?))
    }

    /// What the database has done so far. Its counts come a moment late.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn work(&self) -> anyhow::Result<Work> {
        let sql =
            "SELECT xact_commit, tup_inserted, tup_updated, pg_database_size(datname) FROM pg_stat_database
            WHERE datname = current_database()";
        let [commits, inserted, updated, bytes] = look::counts(&self.database, sql).await?;
        Ok(Work { commits, inserted, updated, bytes })
    }

    /// Whether everything that was sent is in the EHR, once. What is not, in words.
    ///
    /// # Errors
    /// If the EHR or the database does not answer.
    pub async fn broken(&self) -> anyhow::Result<Vec<String>> {
        let mut broken = Vec::new();
        for kind in [Kind::Patient, Kind::Appointment] {
            let there = u64::try_from(self.control.contents(kind).await?.len())?;
            if there != self.sent {
                broken.push(format!("{there} of {} {kind:?}s are in the EHR", self.sent));
            }
        }
        let rows =
            look::rows(&self.database, "SELECT state, count(*) FROM submission GROUP BY state", &[]).await?;
        let states: BTreeMap<String, i64> =
            rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect::<anyhow::Result<_>>()?;
        if states != BTreeMap::from([("completed".to_owned(), i64::try_from(self.sent)?)]) {
            broken.push(format!("of {} sent there are {states:?}", self.sent));
        }
        Ok(broken)
    }
}

/// What was sent, and when each of it was due.
pub struct Sent {
    /// When it began.
    pub began_at: Timestamp,
    due_at: HashMap<String, Timestamp>,
}

/// Seconds since 1970, to the microsecond.
#[allow(clippy::cast_precision_loss, reason = "microseconds since 1970 are far below 2^53")]
fn epoch(at: Timestamp) -> f64 {
    at.as_microsecond() as f64 / 1e6
}
