//! `frontdesk dlq plan`, `plans`, `replay` and `cancel`.

mod told;

use std::time::Duration;

use anyhow::bail;
use clap::{Args, Subcommand};
use domain::ids::{LetterId, PlanId};
use serde_json::{Value, json};

use self::told::{made, plans_table, progress, shown, stands};
use super::{How, Which};
use crate::{
    exit::{NothingMatched, Partly, StoppedByGuard},
    local::Layout,
    ops::{
        Ops,
        plans::{Plan, Rules},
    },
    output::Doing,
};

/// How often a run is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// Freeze a selection of open letters by id, and dry-run each on the templates as they are now.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct PlanArgs {
    #[command(subcommand)]
    show: Option<Show>,
    #[command(flatten)]
    which: Which,
    /// Only this letter; as often as needed.
    #[arg(long = "id", value_name = "ID")]
    ids: Vec<LetterId>,
    /// So many at most [default: 2000, which is the most].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=2000))]
    limit: Option<u32>,
    /// Why, for the audit. No patient's data.
    #[arg(long, value_name = "TEXT", required = true)]
    reason: Option<String>,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, Subcommand)]
enum Show {
    /// One plan, letter by letter.
    Show {
        /// The plan's id, as `plans` has it.
        id: PlanId,
        #[command(flatten)]
        how: How,
    },
}

/// Replay the letters of a plan: a few first, then, if those went well, the others at a steady rate.
///
/// Each message goes to the queue that it died in, as the hand-off that it was: what was done is not done again. The run is the ops
/// API's, and goes on without this command, also after a restart. What is not open any more, or in doubt, is passed by.
#[derive(Debug, Args)]
pub(super) struct ReplayArgs {
    /// The plan's id.
    plan: PlanId,
    /// So many go first; the others wait until it is known what became of them.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(0..=1000))]
    canary: u32,
    /// So many a second at most, such as 20 or 20/s.
    #[arg(long, value_name = "N", default_value = "20/s", value_parser = rate)]
    rate: u32,
    /// The run ends when so many of a hundred fail, such as 10%.
    #[arg(long, value_name = "PERCENT", default_value = "10%", value_parser = percent)]
    stop_on: u32,
    /// Stay, and show how it goes.
    #[arg(long)]
    watch: bool,
    /// Why, for the audit. No patient's data.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    how: How,
}

/// End a plan's run: nothing more of it is published, and what was not stays open.
#[derive(Debug, Args)]
pub(super) struct CancelArgs {
    /// The plan's id.
    plan: PlanId,
    /// Why, for the audit. No patient's data.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    how: How,
}

fn rate(text: &str) -> Result<u32, String> {
    let number = text.strip_suffix("/s").unwrap_or(text).parse::<u32>().ok();
    number.filter(|rate| (1..=200).contains(rate)).ok_or_else(|| "1 to 200 a second, such as 20/s".to_owned())
}

fn percent(text: &str) -> Result<u32, String> {
    let number = text.strip_suffix('%').unwrap_or(text).parse::<u32>().ok();
    number.filter(|share| (1..=100).contains(share)).ok_or_else(|| "1% to 100%".to_owned())
}

impl PlanArgs {
    pub(super) async fn run(&self, layout: &Layout) -> anyhow::Result<()> {
        if let Some(Show::Show { id, how }) = &self.show {
            let ops = how.api.connect(layout)?;
            let mut plan = ops.plan(&id.to_string()).await?;
            plan["items"] = Value::Array(ops.plan_items(&id.to_string()).await?);
            return how.print(&plan, || shown(&plan));
        }
        let Self { which, ids, limit, reason, how, .. } = self;
        let mut wish = json!({ "reason": reason, "letters": ids });
        for (name, value) in which.query() {
            wish[name] = json!(value);
        }
        if let Some(limit) = limit {
            wish["limit"] = json!(limit);
        }
        let plan = how.api.connect(layout)?.make_plan(&wish).await?;
        how.print(&plan, || made(&plan))
    }
}

impl ReplayArgs {
    pub(super) async fn run(&self, layout: &Layout) -> anyhow::Result<()> {
        let ops = self.how.api.connect(layout)?;
        let id = self.plan.to_string();
        let rules = Rules { canary: self.canary, rate: self.rate, stop_on: self.stop_on };
        let mut plan = ops.replay(&id, rules, &self.reason).await?;
        if self.watch {
            plan = watched(&ops, &id).await?;
        }
        self.how.print(&plan, || Ok(stands(&serde_json::from_value(plan.clone())?)))?;
        let plan: Plan = serde_json::from_value(plan)?;
        match plan.state.as_str() {
            "stopped" => Err(StoppedByGuard(format!(
                "{} failed, which is {} % or more; {} were not published and are as they were",
                plan.tally.failed,
                plan.stop_on.unwrap_or_default(),
                plan.tally.waiting
            ))
            .into()),
            "done" if plan.tally.failed > 0 => {
                Err(Partly(format!("{} failed again: see frontdesk dlq plan show {id}", plan.tally.failed))
                    .into())
            }
            "cancelled" => Err(Partly(format!("cancelled with {} not published", plan.tally.waiting)).into()),
            _ => Ok(()),
        }
    }
}

impl CancelArgs {
    pub(super) async fn run(&self, layout: &Layout) -> anyhow::Result<()> {
        let plan = self.how.api.connect(layout)?.cancel_replay(&self.plan.to_string(), &self.reason).await?;
        self.how.print(&plan, || Ok(stands(&serde_json::from_value(plan.clone())?)))
    }
}

/// `frontdesk dlq plans`.
pub(super) async fn list(layout: &Layout, how: &How) -> anyhow::Result<()> {
    let plans = Value::Array(how.api.connect(layout)?.plans().await?);
    how.print(&plans, || plans_table(&plans))?;
    if plans.as_array().is_some_and(Vec::is_empty) {
        return Err(NothingMatched("there is no plan".to_owned()).into());
    }
    Ok(())
}

/// Follows a run to its end. An API that is away for a while, as in a restart, is waited for.
async fn watched(ops: &Ops, id: &str) -> anyhow::Result<Value> {
    const PATIENCE: u32 = 120;
    let doing = Doing::begin("replaying");
    let mut silent = 0;
    loop {
        match ops.plan(id).await {
            Ok(value) => {
                silent = 0;
                let plan: Plan = serde_json::from_value(value.clone())?;
                if plan.state != "running" {
                    doing.done(&progress(&plan));
                    return Ok(value);
                }
                doing.goes(progress(&plan));
            }
            Err(error) => {
                silent += 1;
                if silent >= PATIENCE {
                    bail!(
                        "{error:#}: the run goes on when the API is back; see frontdesk dlq plan show {id}"
                    );
                }
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::{PlanArgs, percent, rate};

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        plan: PlanArgs,
    }

    #[test]
    fn a_plan_is_made_by_filters_or_shown_by_its_id() {
        let parse = |args: &[&str]| Line::try_parse_from([&["plan"], args].concat()).map(|line| line.plan);
        let id = "00000000-0000-0000-0000-000000000001";
        let made =
            parse(&["--stage", "validation", "--id", id, "--limit", "10", "--reason", "mended"]).unwrap();
        assert!(made.show.is_none() && made.which.query() == [("stage", "validation".to_owned())]);
        assert_eq!((made.ids.len(), made.limit, made.reason.as_deref()), (1, Some(10), Some("mended")));
        assert!(parse(&["show", id]).unwrap().show.is_some());
        assert!(parse(&["--stage", "validation", "show", id]).is_err() && parse(&["show", "x"]).is_err());
        assert!(parse(&["--stage", "validation"]).is_err(), "who acts says why");
        assert!(parse(&["--limit", "3000", "--reason", "mended"]).is_err());
    }

    #[test]
    fn rates_and_shares_are_read_as_people_write_them() {
        assert_eq!(
            (rate("20/s"), rate("20"), percent("10%"), percent("10")),
            (Ok(20), Ok(20), Ok(10), Ok(10))
        );
        assert!(rate("0").is_err() && rate("500/s").is_err() && rate("2/m").is_err());
        assert!(percent("0%").is_err() && percent("101%").is_err() && percent("few").is_err());
    }
}
