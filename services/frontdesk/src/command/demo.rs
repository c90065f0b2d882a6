//! `frontdesk demo`.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, bail};
use clap::Args;
use domain::clock::SystemClock;
use ledger::{Store, read::OutcomeFilter};
use testkit::sandbox::Control;

use super::{trace::life, up::StackArgs};
use crate::{
    demo::{
        Door, Facts, Plan, Sent, drain, post, publish, reconcile, report,
        samples::{Clinic, Line},
        timing,
    },
    local::{Layout, Options, Stack, own::SENDER, records::Runner, run::run},
    ops::{Ops, Outcome},
    output::{self, Doing},
};

/// Start everything, send the sample submissions through both doors, show what came of every one of them, and stop everything.
#[derive(Debug, Args)]
pub struct Demo {
    #[command(flatten)]
    stack: StackArgs,
    /// Write one JSON object for each admission to this file.
    #[arg(long, value_name = "FILE")]
    outcomes: Option<PathBuf>,
    /// Keep everything running at the end, until Ctrl-C, to look around.
    #[arg(long)]
    keep: bool,
    /// Seconds that the line may take to empty.
    #[arg(long, value_name = "SECONDS", default_value_t = 1200)]
    deadline: u64,
}

impl Demo {
    /// Does it.
    ///
    /// # Errors
    /// If something cannot be started, the line does not empty, or a count is unexplained.
    pub async fn run(&self, layout: &Layout) -> anyhow::Result<()> {
        let options = self.stack.options(layout, true)?;
        let mut started = None;
        let result = run(layout, async |supervisor| {
            let stack = started.insert(Stack::start(layout, supervisor, &options).await?);
            Runner::write(layout, true)?;
            let unexplained = self.show(layout, stack, &options).await?;
            if self.keep {
                stack.announce(layout);
                std::future::pending::<()>().await;
            }
            Ok(unexplained)
        })
        .await;
        if let Some(stack) = started {
            stack.remove().await;
        }
        match result? {
            0 => Ok(()),
            number => bail!("{number} unexplained: see the reconciliation above"),
        }
    }

    /// Sends, waits, and prints. Gives how much is unexplained.
    async fn show(&self, layout: &Layout, stack: &Stack, options: &Options) -> anyhow::Result<u64> {
        let plan = Plan::new(&Clinic::read(&options.samples)?, Line::read(&options.samples)?);
        let ops = Ops::local(layout)?;
        let sent = send(layout, stack, &plan).await?;
        let accepted = sent.iter().filter(|one| one.refused.is_none()).count();
        let doing = Doing::begin("waiting until the line is empty");
        let store = Store::connect(&stack.settings.section("postgres")?, Arc::new(SystemClock)).await?;
        let drained =
            drain((&ops, &store), u64::try_from(accepted)?, Duration::from_secs(self.deadline), &doing).await;
        // Also what came of a line that does not empty: then most of all.
        if let Some(file) = &self.outcomes {
            let text = ops.outcomes_text().await?;
            std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))?;
        }
        drained?;
        doing.done("the line is empty");

        let doing = Doing::begin("counting");
        let outcomes = ops.outcomes().await?;
        let status = ops.status().await?;
        let sandbox = match &options.ehr {
            None => Some(Control::new(&stack.sandbox.control_url)?.counts().await?),
            Some(_) => None,
        };
        let dead_letters = status.queues.iter().flatten().filter(|queue| queue.queue.ends_with(".dlq"));
        let facts = Facts {
            source: &plan.source,
            sent: &sent,
            judged: store.judged().await?,
            dead_letters: store.letters_kept().await?
                + dead_letters.map(|queue| queue.ready + queue.unacknowledged).sum::<u64>(),
            ledger: &store.counts(&OutcomeFilter::default()).await?,
            outcomes: &outcomes,
            sandbox: sandbox.as_ref(),
        };
        let timing = timing(&ops, &plan.source, &sent, &outcomes).await?;
        doing.done("counted");
        let checks = reconcile(&facts);
        output::result(&report(&facts, &checks, &timing))?;
        output::result(&look_up(&ops, &outcomes, self.outcomes.as_deref()).await?)?;
        Ok(checks.iter().map(crate::demo::Check::unexplained).sum())
    }
}

/// Through both doors at once. What the gateway refuses for good is handed to the exchange, for a person to see.
async fn send(layout: &Layout, stack: &Stack, plan: &Plan) -> anyhow::Result<Vec<Sent>> {
    let doing = Doing::begin("sending");
    let secret = layout.secrets().join(format!("amqp_url_{SENDER}"));
    let url_file = if secret.is_file() { secret } else { stack.endpoints.amqp.url_file.clone() };
    let (published, posted) = tokio::try_join!(
        publish(&url_file, &plan.amqp, &doing),
        post(&stack.endpoints.gateway, &plan.http, &doing)
    )?;
    let refused: Vec<&Sent> = posted.iter().filter(|one| one.refused.is_some()).collect();
    let lines: Vec<Line> = plan
        .http
        .values()
        .flatten()
        .filter(|line| refused.iter().any(|one| one.number == line.number))
        .map(Line::again)
        .collect();
    let handed = publish(&url_file, &lines, &doing).await?;
    let by = |door| {
        [&published, &posted, &handed]
            .into_iter()
            .flatten()
            .filter(|one| one.door == door && one.refused.is_none())
            .count()
    };
    doing.done(&format!("sent: {} to the exchange, {} to the gateway", by(Door::Amqp), by(Door::Http)));
    Ok([published, posted, handed].concat())
}

/// How to look at one, with one as an example.
async fn look_up(ops: &Ops, outcomes: &[Outcome], file: Option<&Path>) -> anyhow::Result<String> {
    let mut text = String::from("one of them, as ./dev trace shows it:\n");
    if let Some(one) = outcomes.iter().find(|one| one.state == "completed")
        && let Some(admission) = ops.submission(&one.submission_id).await?.first()
    {
        text += &life(admission);
    }
    text += "look up any other while it runs: ./dev demo --keep, and in another shell ./dev trace SUBMISSION, ./dev outcomes\n";
    if let Some(file) = file {
        text += &format!("all outcomes: {}\n", file.display());
    }
    Ok(text)
}
