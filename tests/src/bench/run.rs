//! One measurement: line and limit take turns on the same broker; then both at an offered load, and each stage alone.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context as _, ensure};
use domain::{
    Stage,
    clock::{Clock as _, SystemClock},
};
use frontdesk::{
    local::{
        Layout, Options, Stack, Supervisor,
        run::run,
        services::{SANDBOX, SERVICES, program},
    },
    output::Doing,
};
use toml::toml;

use super::{
    figures::{Latencies, median, rate},
    ideal::Chain,
    line::{Line, Work},
    report::{Alone, Offered, Report},
    usage::{self, Usage},
};
use crate::{chaos::people::Clinic, program::own_line};

/// What is to be measured.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// What the people are made of.
    pub seed: u64,
    /// Intakes of each measurement as fast as they go.
    pub intakes: u32,
    /// How often line and limit take turns.
    pub rounds: u32,
    /// Seconds of each measurement at an offered load.
    pub seconds: u32,
    /// Lanes that the clinics are spread over.
    pub lanes: u16,
    /// Processes of each stage.
    pub consumers: u16,
    /// Only line and limit as fast as they go.
    pub short: bool,
}

/// An offered load that every line should carry without noticing, intakes a second.
const LIGHT: f64 = 100.0;
/// How many queues an intake passes.
const HOPS: usize = Stage::ALL.len();
/// The database tells what it did a while after it was done: at the latest after this time.
const STATISTICS: Duration = Duration::from_secs(11);

/// Does it, in a folder of its own.
///
/// # Errors
/// If the line cannot be started or measured. A broken promise is none: the report says it.
pub async fn bench(layout: &Layout, plan: Plan) -> anyhow::Result<Report> {
    run(layout, async |supervisor| {
        layout.fresh_logs()?;
        let stack = Stack::start(layout, supervisor, &options(layout, plan)).await?;
        let report = Bench::new(layout, supervisor, &stack, plan).measure().await;
        stack.remove().await;
        report
    })
    .await
}

fn options(layout: &Layout, plan: Plan) -> Options {
    let stages = Stage::ALL.map(|stage| (stage.as_str().to_owned(), plan.consumers));
    Options {
        lanes: plan.lanes.into(),
        extra: toml! {
            [telemetry]
            log = "warn"
        },
        replicas: stages.into(),
        ..own_line(layout)
    }
}

struct Bench<'a> {
    layout: &'a Layout,
    supervisor: &'a Supervisor,
    stack: &'a Stack,
    plan: Plan,
    /// Names of processes: ours, the broker, the database, the sandbox.
    names: Vec<String>,
}

type Taken = BTreeMap<String, Usage>;

impl<'a> Bench<'a> {
    fn new(layout: &'a Layout, supervisor: &'a Supervisor, stack: &'a Stack, plan: Plan) -> Self {
        let ours = stack.endpoints.services.keys().cloned();
        let names = ours.chain(["broker", "postgres", SANDBOX].map(str::to_owned)).collect();
        Self { layout, supervisor, stack, plan, names }
    }

    async fn measure(&self) -> anyhow::Result<Report> {
        let Plan { seed, intakes, rounds, seconds, short, .. } = self.plan;
        // As many as the fastest line could take, and then some.
        let offered = if short { 0 } else { seconds * 2_000 };
        let people = intakes * (rounds + 1) + offered;
        let doing = Doing::begin("making people and slots");
        let clinics = Clinic::read(&self.layout.samples())?;
        let mut line = Line::new(self.stack, clinics, seed, people).await?;
        doing.done(&format!("made people and slots for {people} intakes"));

        let mut report = Report::new(self.plan);
        self.fast(&mut line, &mut report).await?;
        if !short {
            let half = median(report.line.clone()).context("nothing was measured")? / 2.0;
            for a_second in [LIGHT, half] {
                report.offered.push(self.offered(&mut line, a_second).await?);
            }
            report.alone = self.alone(&mut line).await?;
        }
        report.broken.extend(line.broken().await?);
        Ok(report)
    }

    /// Line and limit in turns, as fast as they go.
    async fn fast(&self, line: &mut Line<'_>, report: &mut Report) -> anyhow::Result<()> {
        let Plan { intakes, rounds, .. } = self.plan;
        let doing = Doing::begin("one hop");
        report.one_hop = self.limit(2, intakes).await?.0;
        let (mut cpu, mut limit_cpu) = (Vec::new(), Vec::new());
        let idle = self.idle(line).await?;
        let before = line.work().await?;
        let mut time = Duration::ZERO;
        for round in 1..=rounds {
            doing.goes(format!("the limit, round {round} of {rounds}"));
            let (limit, taken) = self.limit(HOPS, intakes).await?;
            report.limit.push(limit);
            limit_cpu.push(taken);
            doing.goes(format!("the line, round {round} of {rounds}"));
            let begin = self.usage();
            let measured = line.measure(intakes, None).await?;
            cpu.push(since(&begin, &self.usage()));
            report.line.push(rate(intakes, measured.took));
            time += measured.took;
        }
        tokio::time::sleep(STATISTICS).await;
        report.work = worked(before, line.work().await?, idle, time + STATISTICS, intakes * rounds);
        report.peak = self.usage().into_iter().map(|(name, usage)| (name, usage.peak)).collect();
        report.cpu = mean(&cpu, intakes);
        report.limit_cpu = mean(&limit_cpu, intakes);
        doing.done(&format!("line and limit, {rounds} rounds of {intakes} intakes"));
        Ok(())
    }

    /// Intakes a second through an ideal chain over so many queues, and what the broker took for it.
    async fn limit(&self, hops: usize, intakes: u32) -> anyhow::Result<(f64, Taken)> {
        let chain = Chain::start(self.layout, &self.stack.endpoints.amqp, hops).await?;
        let begin = self.usage();
        let measured = chain.measure(intakes, None).await?;
        let taken = since(&begin, &self.usage());
        chain.stop().await?;
        Ok((rate(intakes, measured.took), taken))
    }

    /// How long each intake takes at an offered load, in the ideal chain and in the line.
    async fn offered(&self, line: &mut Line<'_>, a_second: f64) -> anyhow::Result<Offered> {
        // At least one, at most what there are people for.
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "rounded, and between these"
        )]
        let count = (a_second * f64::from(self.plan.seconds)).clamp(1.0, 1e6) as u32;
        let doing = Doing::begin(format!("{a_second:.0} a second"));
        let chain = Chain::start(self.layout, &self.stack.endpoints.amqp, HOPS).await?;
        let limit = chain.measure(count, Some(a_second)).await?.latencies;
        chain.stop().await?;
        let line: Latencies = line.measure(count, Some(a_second)).await?.latencies;
        doing.done(&format!("{a_second:.0} a second for {} s", self.plan.seconds));
        Ok(Offered { a_second, limit, line })
    }

    /// Each stage alone: the others are paused, and everything that it is to do waits for it.
    async fn alone(&self, line: &mut Line<'_>) -> anyhow::Result<Vec<Alone>> {
        let doing = Doing::begin("each stage alone");
        let stages = Stage::ALL.map(Stage::as_str);
        self.switch("pause", &stages).await?;
        line.send(self.plan.intakes, None).await?;
        let mut alone = Vec::new();
        for stage in stages {
            doing.goes(format!("{stage} alone"));
            let (begin, since_then) = (self.usage(), SystemClock.now());
            self.switch("resume", &[stage]).await?;
            line.through(stage).await?;
            let taken = mean(&[since(&begin, &self.usage())], self.plan.intakes);
            let own = taken.iter().filter(|(name, _)| name.starts_with(stage)).map(|(_, cpu)| *cpu).sum();
            let a_second = rate(self.plan.intakes, line.span(stage, since_then).await?);
            self.switch("pause", &[stage]).await?;
            alone.push(Alone { stage: stage.to_owned(), a_second, own });
        }
        self.switch("resume", &stages).await?;
        line.settled().await?;
        doing.done("each stage alone");
        Ok(alone)
    }

    async fn switch(&self, command: &str, stages: &[&str]) -> anyhow::Result<()> {
        let output = tokio::process::Command::new(program("frontdesk")?)
            .args(["--checkout".as_ref(), self.layout.checkout(), "--dir".as_ref(), self.layout.root()])
            .args([command, "--reason", "bench"])
            .args(stages.iter().flat_map(|stage| ["--stage", stage]))
            .output()
            .await?;
        ensure!(output.status.success(), "{command} fails: {}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    fn usage(&self) -> Taken {
        usage::of(self.supervisor, &self.names)
    }

    /// Transactions a second while nothing is to be done.
    async fn idle(&self, line: &Line<'_>) -> anyhow::Result<f64> {
        tokio::time::sleep(STATISTICS).await;
        let before = line.work().await?;
        tokio::time::sleep(STATISTICS).await;
        let commits = line.work().await?.commits.saturating_sub(before.commits);
        Ok(f64::from(u32::try_from(commits)?) / STATISTICS.as_secs_f64())
    }
}

/// Whether a process is one of ours.
pub(super) fn is_ours(name: &str) -> bool {
    SERVICES.iter().any(|service| name.starts_with(service))
}

fn since(before: &Taken, after: &Taken) -> Taken {
    let then = |name: &String| before.get(name).map(|usage| usage.cpu).unwrap_or_default();
    let taken = |(name, now): (&String, &Usage)| {
        (name.clone(), Usage { cpu: now.cpu.saturating_sub(then(name)), ..*now })
    };
    after.iter().map(taken).collect()
}

/// Processor time of each for one intake.
fn mean(rounds: &[Taken], intakes: u32) -> BTreeMap<String, Duration> {
    let mut all: BTreeMap<String, Duration> = BTreeMap::new();
    for (name, usage) in rounds.iter().flatten() {
        *all.entry(name.clone()).or_default() += usage.cpu;
    }
    let count = f64::from(intakes) * f64::from(u32::try_from(rounds.len()).unwrap_or(1).max(1));
    all.into_iter().map(|(name, cpu)| (name, cpu.div_f64(count))).collect()
}

/// What the database did for each intake. What it does when there is none is taken off.
fn worked(before: Work, after: Work, idle: f64, time: Duration, intakes: u32) -> [f64; 4] {
    let delta = |now: u64, then: u64| f64::from(u32::try_from(now.saturating_sub(then)).unwrap_or(u32::MAX));
    let commits = delta(after.commits, before.commits) - idle * time.as_secs_f64();
    let (inserted, updated) = (delta(after.inserted, before.inserted), delta(after.updated, before.updated));
    let all = [commits, inserted, updated, delta(after.bytes, before.bytes)];
    all.map(|count| count.max(0.0) / f64::from(intakes))
}
