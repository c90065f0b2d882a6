//! One measurement: the quiet lane alone, then beside a flood.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use domain::{
    clock::{Clock as _, SystemClock},
    submission::SCHEMA,
};
use frontdesk::{
    local::{Dress, Layout, Options, Stack, backends::Given, run::run},
    output::Doing,
};
use jiff::Timestamp;
use serde_json::Value;
use testkit::{sandbox::Control, wait};
use tokio::time::{MissedTickBehavior, interval};
use tokio_postgres::{Client, NoTls};

use super::{
    args::Args,
    report::{Report, Took},
};
use crate::{
    Broker, Forms, PATIENCE,
    chaos::people::{Clinic, Dispatch, load, offers, plan},
};

/// The clinics are in two lanes, in turn.
const FLOODED: (&str, &str) = ("lane-1", "clinic-01");
const QUIET: (&str, &str) = ("default,lane-2", "clinic-02");
const STAGES: [&str; 4] = ["validation", "eligibility", "ehr-writer", "notification"];
/// Not measured: connections are opened and plans are made.
const WARM_UP: usize = 5;

/// Does it, in a folder of its own.
///
/// # Errors
/// If the line cannot be started, or something of the quiet lane does not come to its end.
pub async fn measure(layout: &Layout, args: &Args, seed: u64) -> anyhow::Result<Report> {
    run(layout, async |supervisor| {
        layout.fresh_logs()?;
        let stack = Stack::start(layout, supervisor, &options(layout, args)).await?;
        let report = measured(layout, &stack, args, seed).await;
        stack.remove().await;
        report
    })
    .await
}

/// Two processes of each stage: the second has the flooded lane to itself.
fn options(layout: &Layout, args: &Args) -> Options {
    let lane = toml::Table::from_iter([
        ("concurrency".to_owned(), i64::from(args.concurrency).into()),
        ("prefetch".to_owned(), i64::from(args.concurrency * 2).into()),
    ]);
    let lanes = toml::Table::from_iter([(FLOODED.0.to_owned(), toml::Value::Table(lane))]);
    Options {
        samples: layout.samples(),
        ehr: None,
        profile: "fhir".to_owned(),
        lanes: 2,
        port_base: None,
        fresh: true,
        given: Given::default(),
        tls: false,
        extra: toml::Table::from_iter([("lanes".to_owned(), toml::Value::Table(lanes))]),
        replicas: STAGES.iter().map(|stage| ((*stage).to_owned(), 2)).collect::<BTreeMap<_, _>>(),
        dress: Dress::new(|instance, program| {
            let lanes = if instance.ends_with("-2") { FLOODED.0 } else { QUIET.0 };
            let is_stage = STAGES.iter().any(|stage| instance.starts_with(stage));
            Ok(if is_stage { program.env("FRONTDESK__STAGE__LANES", lanes) } else { program })
        }),
    }
}

struct Line {
    broker: Broker,
    database: Client,
}

async fn measured(layout: &Layout, stack: &Stack, args: &Args, seed: u64) -> anyhow::Result<Report> {
    let count = usize::try_from(args.submissions)?;
    let forms = Forms::read()?.of(QUIET.1, WARM_UP + 2 * count)?;
    let (first, rest) = forms.split_at(WARM_UP);
    let (before, during) = rest.split_at(count);

    // As many as can be sent while the quiet lane's are, and some more.
    let most = u64::from(args.submissions * args.times) * 11 / 10;
    let begin = SystemClock.now();
    let clinics: Vec<Clinic> =
        Clinic::read(&layout.samples())?.into_iter().filter(|one| one.clinic_id == FLOODED.1).collect();
    load(&Control::new(&stack.sandbox.control_url)?, offers(seed, most, begin, &clinics)?).await?;
    let bodies = plan(seed, most, begin, clinics)?.flat_map(|dispatch| match dispatch {
        Dispatch::One(parcel) => vec![parcel.body],
        Dispatch::Pair(one, other) => vec![one.body, other.body],
        Dispatch::Again(_) | Dispatch::Poison(_) => Vec::new(),
    });

    let (database, connection) = tokio_postgres::connect(&stack.endpoints.postgres.url()?, NoTls).await?;
    tokio::spawn(connection);
    let line = Line { broker: Broker::connect(&stack.endpoints.amqp.url_file).await?, database };
    line.took(first, args.rate).await?;
    let doing = Doing::begin("the quiet lane alone");
    let before = line.took(before, args.rate).await?;
    doing.done("the quiet lane alone: measured");

    let doing = Doing::begin("the quiet lane beside the flood");
    let (done, flooded, started) = (AtomicBool::new(false), AtomicU64::new(0), Instant::now());
    let flood = async {
        let mut ticks = interval(Duration::from_secs(1) / (args.rate * args.times.max(1)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        for body in bodies {
            ticks.tick().await;
            if done.load(Ordering::Relaxed) {
                break;
            }
            line.broker.raw(FLOODED.1, SCHEMA, "application/json", body.to_vec()).await?;
            flooded.fetch_add(1, Ordering::Relaxed);
        }
        anyhow::Ok(())
    };
    let quiet = async {
        let took = line.took(during, args.rate).await?;
        done.store(true, Ordering::Relaxed);
        anyhow::Ok((took, started.elapsed(), line.settled(FLOODED.1).await?))
    };
    let ((), (during, over, settled)) = tokio::try_join!(flood, quiet)?;
    doing.done("the quiet lane beside the flood: measured");
    line.broker.close().await;
    let flood = flooded.into_inner();
    Ok(Report { before, during, flood, left: flood.saturating_sub(settled), over })
}

impl Line {
    /// Publishes these, `rate` a second, and tells how long each took to its end.
    async fn took(&self, forms: &[Value], rate: u32) -> anyhow::Result<Took> {
        let mut sent = BTreeMap::new();
        let mut ticks = interval(Duration::from_secs(1) / rate);
        for (form, id) in forms.iter().zip(Forms::ids(forms)) {
            ticks.tick().await;
            sent.insert(id, SystemClock.now());
            self.broker.submit(form).await?;
        }
        let ids: Vec<&str> = sent.keys().map(String::as_str).collect();
        let ended = async || {
            let ended = self.ended(&ids).await.ok()?;
            (ended.len() == ids.len()).then_some(ended)
        };
        let ended = wait::until_some(PATIENCE, ended).await.context("not all came to their end")?;
        let took = ended.iter().map(|(id, (state, at))| {
            ensure!(state == "completed", "{id} is {state}");
            let sent = sent.get(id).context("never sent")?;
            Ok(Duration::try_from(at.duration_since(*sent)).unwrap_or_default())
        });
        Ok(Took::new(took.collect::<anyhow::Result<_>>()?))
    }

    /// How and when these came to their end, those of them that have.
    async fn ended(&self, ids: &[&str]) -> anyhow::Result<BTreeMap<String, (String, Timestamp)>> {
        const SQL: &str = "SELECT submission_id, state, settled_at FROM submission
            WHERE submission_id = ANY($1) AND settled_at IS NOT NULL";
        let rows = self.database.query(SQL, &[&ids]).await?;
        let ended = |row: &tokio_postgres::Row| Ok((row.try_get(0)?, (row.try_get(1)?, row.try_get(2)?)));
        rows.iter().map(ended).collect()
    }

    /// How many of a clinic came to their end.
    async fn settled(&self, clinic: &str) -> anyhow::Result<u64> {
        const SQL: &str = "SELECT count(*) FROM submission WHERE clinic = $1 AND settled_at IS NOT NULL";
        Ok(u64::try_from(self.database.query_one(SQL, &[&clinic]).await?.try_get::<_, i64>(0)?)?)
    }
}
