//! `frontdesk dlq`.

mod edit;
mod ends;
mod plan;
mod reveal;
mod show;

use std::fmt::Write as _;

use clap::{Args, Subcommand, ValueEnum};
use domain::{
    ClinicId, Code, LaneName, Stage,
    clock::{Clock as _, SystemClock},
    ids::LetterId,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::how::How;
use crate::{exit::NothingMatched, local::Layout, ops::letters::Query, output};

/// The dead letters: what died, of what, whose visit is next, and what becomes of it. Nothing that is shown is PHI, but for one
/// field that `show --reveal` is asked for.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes:\n  0  done, or something matched\n  1  the ops API refused it, or did not answer\n  2  the command line\n  3  some of it was done\n  \
    4  nothing matched, or there is nothing to do\n  5  too many failed, and the run was stopped\n  6  it waits for a second person"
)]
pub struct Dlq {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// By cause: how many, since when, how fast, the soonest visit, the clinics.
    Groups {
        #[command(flatten)]
        which: Which,
        /// Only those that stand there.
        #[arg(long, value_enum, default_value_t = Standing::Open)]
        state: Standing,
        #[command(flatten)]
        how: How,
    },
    /// One by one, the soonest visit first.
    List {
        #[command(flatten)]
        which: Which,
        /// Only those that stand there.
        #[arg(long, value_enum, default_value_t = Standing::Open)]
        state: Standing,
        /// So many at most.
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: usize,
        #[command(flatten)]
        how: How,
    },
    /// One, with the timeline of its submission and what the ledger knows. What it says only field by field, with `--reveal`.
    Show {
        /// The letter's id, as `list` has it.
        id: LetterId,
        #[command(flatten)]
        reveal: reveal::RevealArgs,
        #[command(flatten)]
        how: How,
    },
    Edit(edit::EditArgs),
    /// Freeze a selection of open letters by id, and dry-run each on the templates as they are now. `plan show ID` shows one.
    Plan(Box<plan::PlanArgs>),
    /// The plans, newest first.
    Plans {
        #[command(flatten)]
        how: How,
    },
    Replay(plan::ReplayArgs),
    Cancel(plan::CancelArgs),
    /// Put open letters aside.
    Archive(ends::Letters),
    /// Take archived letters up again.
    Restore(ends::Letters),
    /// End letters for good. That takes two people: this asks, and an approver approves. Their rows and bodies are kept all the same.
    Discard(ends::Letters),
    /// Approve what somebody else asked to be discarded or edited.
    Approve(ends::ApproveArgs),
    /// What waits for a second person.
    Approvals {
        #[command(flatten)]
        how: How,
    },
}

/// Where a letter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Standing {
    /// Somebody has to do something about it.
    Open,
    /// Nobody has: its submission has come to an end after all.
    Ended,
    /// Its message was published again. If that died too, it is a letter of its own.
    Replayed,
    /// Put aside.
    Archived,
    /// Ended by two people.
    Discarded,
    /// Anywhere.
    All,
}

impl Standing {
    fn select(self, mut query: Query) -> Query {
        let name = self.to_possible_value().filter(|_| self != Self::All);
        query.extend(name.map(|name| ("state", name.get_name().to_owned())));
        query
    }
}

/// Which dead letters.
#[derive(Debug, Args)]
struct Which {
    /// Only this clinic's.
    #[arg(long, value_name = "ID")]
    clinic: Option<ClinicId>,
    /// Only of this stage.
    #[arg(long)]
    stage: Option<Stage>,
    /// Only of this lane.
    #[arg(long)]
    lane: Option<LaneName>,
    /// Only with this code.
    #[arg(long)]
    code: Option<Code>,
    /// Only with this fingerprint, as `groups` has it.
    #[arg(long)]
    fingerprint: Option<String>,
    /// Only what died since then: a time such as 2026-11-22T09:00:00Z, or so long ago, such as 90m or 2h.
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<Timestamp>,
}

pub(super) fn since(text: &str) -> Result<Timestamp, String> {
    let wrong = || "not a time such as 2026-11-22T09:00:00Z, nor an age such as 90m or 2h".to_owned();
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    let age = text.parse::<SignedDuration>().ok().filter(|age| !age.is_negative()).ok_or_else(wrong)?;
    SystemClock.now().checked_sub(age).map_err(|_| wrong())
}

impl Which {
    fn query(&self) -> Query {
        let Self { clinic, stage, lane, code, fingerprint, since } = self;
        let pairs = [
            ("clinic", clinic.as_ref().map(ToString::to_string)),
            ("stage", stage.map(|stage| stage.to_string())),
            ("lane", lane.as_ref().map(ToString::to_string)),
            ("code", code.map(|code| code.to_string())),
            ("fingerprint", fingerprint.clone()),
            ("since", since.map(|at| at.to_string())),
        ];
        pairs.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

impl Dlq {
    /// Does it, and prints what there is.
    ///
    /// # Errors
    /// [`NothingMatched`]; [`Partly`](crate::exit::Partly), [`StoppedByGuard`](crate::exit::StoppedByGuard) or
    /// [`NeedsApproval`](crate::exit::NeedsApproval); or if the API refuses it or does not answer.
    pub async fn run(&self, layout: &Layout) -> anyhow::Result<()> {
        let found = match &self.what {
            What::Groups { which, state, how } => {
                let groups = how.api.connect(layout)?.letter_groups(&state.select(which.query())).await?;
                let value = Value::Array(groups);
                how.print(&value, || groups_table(&value))?;
                value
            }
            What::List { which, state, limit, how } => {
                let letters = how.api.connect(layout)?.letters(&state.select(which.query()), *limit).await?;
                let value = Value::Array(letters);
                how.print(&value, || letters_table(&value))?;
                value
            }
            What::Show { id, reveal, how } if reveal.is_asked() => return reveal.run(*id, how, layout).await,
            What::Edit(edit) => return edit.run(layout).await,
            What::Show { id, how, .. } => {
                let letter = how.api.connect(layout)?.letter(&id.to_string()).await?;
                let value =
                    letter.ok_or_else(|| NothingMatched("there is no dead letter of this id".to_owned()))?;
                how.print(&value, || show::text(&value))?;
                value
            }
            What::Plan(plan) => return plan.run(layout).await,
            What::Plans { how } => return plan::list(layout, how).await,
            What::Replay(replay) => return replay.run(layout).await,
            What::Cancel(cancel) => return cancel.run(layout).await,
            What::Archive(letters) => return letters.to("archive", "archived", layout).await,
            What::Restore(letters) => return letters.to("restore", "open again:", layout).await,
            What::Discard(letters) => return letters.discard(layout).await,
            What::Approve(approve) => return approve.run(layout).await,
            What::Approvals { how } => return ends::approvals(layout, how).await,
        };
        if found.as_array().is_some_and(Vec::is_empty) {
            return Err(NothingMatched("no dead letter is of the kind".to_owned()).into());
        }
        Ok(())
    }
}

fn groups_table(groups: &Value) -> anyhow::Result<String> {
    let groups: Vec<crate::ops::letters::Group> = serde_json::from_value(groups.clone())?;
    let mut table = output::table();
    table.set_header([
        "fingerprint\nclinics",
        "count",
        "last hour",
        "first seen\nlast seen",
        "soonest visit",
    ]);
    for group in &groups {
        table.add_row([
            format!("{}\n  {}", group.fingerprint, group.clinics.join(" ")),
            group.count.to_string(),
            trend(group.last_hour, group.hour_before),
            format!("{}\n{}", minute(group.first_seen), minute(group.last_seen)),
            group.soonest_appointment.map_or_else(|| "not known".to_owned(), minute),
        ]);
    }
    output::keep_first(&mut table);
    let total: u64 = groups.iter().map(|group| group.count).sum();
    let many = if groups.len() == 1 { "group" } else { "groups" };
    let mut text = output::text(table);
    let _ = writeln!(text, "{total} in {} {many}; times are UTC", groups.len());
    text += "one by one:         frontdesk dlq list --fingerprint FINGERPRINT\n";
    text += "what a replay does: frontdesk dlq plan --fingerprint FINGERPRINT --reason TEXT\n";
    Ok(text)
}

fn letters_table(letters: &Value) -> anyhow::Result<String> {
    let letters: Vec<crate::ops::letters::Letter> = serde_json::from_value(letters.clone())?;
    let mut table = output::wide_table();
    table.set_header(["id\nsubmission", "visit\ndied", "fingerprint\nwhere it stands"]);
    for letter in &letters {
        let clinic = letter.clinic_id.as_deref().unwrap_or("clinic not known");
        table.add_row([
            format!("{}\n  {}", letter.id, letter.submission_id.as_deref().unwrap_or("not known")),
            format!(
                "{}\n{}",
                letter.appointment_at.map_or_else(|| "not known".to_owned(), minute),
                minute(letter.died_at)
            ),
            format!("{}\n  {}, {clinic}, attempt {}", letter.fingerprint, letter.state, letter.attempts),
        ]);
    }
    let mut text = output::text(table);
    let _ = writeln!(text, "{} dead letters; times are UTC", letters.len());
    text += "more of one: frontdesk dlq show ID\n";
    Ok(text)
}

/// The last hour, against the hour before.
fn trend(last: u64, before: u64) -> String {
    match last.cmp(&before) {
        std::cmp::Ordering::Greater => format!("{last} ↑ from {before}"),
        std::cmp::Ordering::Less => format!("{last} ↓ from {before}"),
        std::cmp::Ordering::Equal => format!("{last} ="),
    }
}

fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{groups_table, letters_table, since, trend};

    #[test]
    fn tables_tell_what_there_is() {
        let at = "2026-11-22T09:00:00Z";
        let groups = json!([{"fingerprint": "validation/malformed/-/-", "stage": "validation", "code": "malformed",
            "count": 5, "last_hour": 3, "hour_before": 1, "first_seen": at, "last_seen": at,
            "soonest_appointment": "2026-11-23T10:30:00Z", "clinics": ["clinic-01"]}]);
        let text = groups_table(&groups).unwrap();
        for part in
            ["validation/malformed/-/-", "3 ↑ from 1", "2026-11-23 10:30", "clinic-01", "5 in 1 group;"]
        {
            assert!(text.contains(part), "{part} in {text}");
        }
        let letters = json!([{"id": "l-1", "stage": "validation", "lane": "north", "fingerprint": "f",
            "correlation_id": "c-1", "attempts": 4, "died_at": at, "collected_at": at, "schema": "s", "state": "open"}]);
        let text = letters_table(&letters).unwrap();
        assert!(text.contains("l-1") && text.contains("1 dead letters"), "{text}");
    }

    #[test]
    fn times_and_trends_are_written_as_people_do() {
        assert_eq!(since("2026-11-22T09:00:00Z").unwrap().to_string(), "2026-11-22T09:00:00Z");
        assert!(since("2h").unwrap() < since("1h").unwrap());
        assert!(since("-1h").is_err() && since("soon").is_err());
        assert_eq!((trend(1, 2), trend(2, 2)), ("1 ↓ from 2".to_owned(), "2 =".to_owned()));
    }
}
