//! `frontdesk dlq archive`, `restore`, `discard`, `approve` and `approvals`.

use clap::Args;
use domain::ids::{DiscardId, LetterId};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::{How, minute};
use crate::{
    exit::{NeedsApproval, NothingMatched, Partly},
    local::Layout,
    ops::plans::{Changed, Left},
    output,
};

/// Some letters, and why.
#[derive(Debug, Args)]
pub(super) struct Letters {
    /// The letters' ids, as `list` has them.
    #[arg(required = true, value_name = "ID")]
    ids: Vec<LetterId>,
    /// Why, for the audit. No patient's data.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    how: How,
}

/// A request that waits.
#[derive(Debug, Args)]
pub(super) struct ApproveArgs {
    /// The request's id, as `approvals` has it.
    request: DiscardId,
    /// Why, for the audit. No patient's data.
    #[arg(long, value_name = "TEXT", default_value = "approved")]
    reason: String,
    #[command(flatten)]
    how: How,
}

#[derive(Deserialize)]
struct Asked {
    id: String,
    requested_at: Timestamp,
    requester: String,
    reason: String,
    letters: Vec<String>,
}

impl Letters {
    fn letters(&self) -> Vec<String> {
        self.ids.iter().map(ToString::to_string).collect()
    }

    /// `to` is `archive` or `restore`, and `done` how it is told.
    pub(super) async fn to(&self, to: &str, done: &str, layout: &Layout) -> anyhow::Result<()> {
        let ops = self.how.api.connect(layout)?;
        let changed = ops.move_letters(to, &self.letters(), &self.reason).await?;
        ended(&self.how, &changed, done)
    }

    pub(super) async fn discard(&self, layout: &Layout) -> anyhow::Result<()> {
        let asked = self.how.api.connect(layout)?.request_discard(&self.letters(), &self.reason).await?;
        self.how.print(&asked, || asked_table(&Value::Array(vec![asked.clone()])))?;
        let Asked { id, letters, .. } = serde_json::from_value(asked)?;
        let waits = format!(
            "{} letters wait for a second person, an approver: frontdesk dlq approve {id}",
            letters.len()
        );
        Err(NeedsApproval(waits).into())
    }
}

impl ApproveArgs {
    pub(super) async fn run(&self, layout: &Layout) -> anyhow::Result<()> {
        let ops = self.how.api.connect(layout)?;
        let changed = ops.approve_discard(&self.request.to_string(), &self.reason).await?;
        ended(&self.how, &changed, "discarded")
    }
}

/// `frontdesk dlq approvals`.
pub(super) async fn approvals(layout: &Layout, how: &How) -> anyhow::Result<()> {
    let waiting = Value::Array(how.api.connect(layout)?.discards().await?);
    how.print(&waiting, || asked_table(&waiting))?;
    if waiting.as_array().is_some_and(Vec::is_empty) {
        return Err(NothingMatched("nothing waits for a second person".to_owned()).into());
    }
    Ok(())
}

fn ended(how: &How, value: &Value, done: &str) -> anyhow::Result<()> {
    let changed: Changed = serde_json::from_value(value.clone())?;
    how.print(value, || {
        Ok(changed.done.iter().map(|id| format!("{done} {id}\n")).collect::<Vec<_>>().concat())
    })?;
    let left = changed.left.iter().map(left).collect::<Vec<_>>().join("; ");
    match (changed.done.is_empty(), changed.left.is_empty()) {
        (_, true) => Ok(()),
        (true, false) => Err(NothingMatched(left).into()),
        (false, false) => Err(Partly(left).into()),
    }
}

fn left(Left { id, state }: &Left) -> String {
    match state {
        Some(state) => format!("{id} is {state}"),
        None => format!("there is no {id}"),
    }
}

fn asked_table(waiting: &Value) -> anyhow::Result<String> {
    let waiting: Vec<Asked> = serde_json::from_value(waiting.clone())?;
    let mut table = output::wide_table();
    table.set_header(["request", "asked", "by", "letters", "reason"]);
    for asked in &waiting {
        table.add_row([
            asked.id.clone(),
            minute(asked.requested_at),
            asked.requester.clone(),
            asked.letters.len().to_string(),
            output::cut(&output::one_line(&asked.reason), 60),
        ]);
    }
    Ok(format!("{}times are UTC\n", output::text(table)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Left, asked_table, left};

    #[test]
    fn what_waits_and_what_is_left_is_told() {
        let waiting = json!([{"id": "d-1", "requested_at": "2026-11-22T09:00:00Z", "requester": "on-call",
            "reason": "spam", "letters": ["l-1", "l-2"]}]);
        let text = asked_table(&waiting).unwrap();
        assert!(text.contains("d-1") && text.contains("on-call") && text.contains("spam"), "{text}");
        let one = |state: Option<&str>| left(&Left { id: "l-1".to_owned(), state: state.map(str::to_owned) });
        assert_eq!(
            (one(None), one(Some("replayed"))),
            ("there is no l-1".to_owned(), "l-1 is replayed".to_owned())
        );
    }
}
