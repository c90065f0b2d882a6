//! `frontdesk dlq archive`, `restore`, `discard`, `approve` and `approvals`.

use clap::Args;
use domain::ids::{DiscardId, LetterId};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{How, edit, minute};
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

/// A request that waits: to discard letters, or to edit one in what says who the patient is.
#[derive(Debug, Args)]
pub(super) struct ApproveArgs {
    /// The request's id, of either kind, as `approvals` has it.
    request: DiscardId,
    /// Why, for the audit. No patient's data.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    how: How,
}

#[derive(Deserialize)]
struct Asked {
    id: String,
    letters: Vec<String>,
}

/// What waits for a second person, of either kind.
#[derive(Deserialize)]
struct Waiting {
    id: String,
    kind: String,
    #[serde(alias = "made_at")]
    requested_at: Timestamp,
    requester: String,
    reason: String,
    #[serde(default)]
    letters: Vec<String>,
    #[serde(default)]
    letter_id: Option<String>,
    #[serde(default)]
    fields: Vec<String>,
}

impl Waiting {
    fn what(&self) -> String {
        match &self.letter_id {
            Some(letter) => format!("{} of letter {letter}: {}", self.kind, self.fields.join(", ")),
            None => format!("{} of {} letters", self.kind, self.letters.len()),
        }
    }
}

/// The same, saying of what kind it is.
fn kind(mut request: Value, kind: &str) -> Value {
    request["kind"] = json!(kind);
    request
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
        self.how.print(&asked, || asked_table(&Value::Array(vec![kind(asked.clone(), "discard")])))?;
        let Asked { id, letters } = serde_json::from_value(asked)?;
        let waits = format!(
            "{} letters wait for a second person, an approver: frontdesk dlq approve {id} --reason TEXT",
            letters.len()
        );
        Err(NeedsApproval(waits).into())
    }
}

impl ApproveArgs {
    pub(super) async fn run(&self, layout: &Layout) -> anyhow::Result<()> {
        let ops = self.how.api.connect(layout)?;
        let request = self.request.to_string();
        if ops.edits().await?.iter().any(|edit| edit["id"] == request.as_str()) {
            let edit = ops.approve_edit(&request, &self.reason).await?;
            return self.how.print(&edit, || edit::approved(&edit));
        }
        let changed = ops.approve_discard(&request, &self.reason).await?;
        ended(&self.how, &changed, "discarded")
    }
}

/// `frontdesk dlq approvals`.
pub(super) async fn approvals(layout: &Layout, how: &How) -> anyhow::Result<()> {
    let ops = how.api.connect(layout)?;
    let discards = ops.discards().await?.into_iter().map(|one| kind(one, "discard"));
    let edits = ops.edits().await?.into_iter().map(|one| kind(one, "edit"));
    let waiting = Value::Array(discards.chain(edits).collect());
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
    let waiting: Vec<Waiting> = serde_json::from_value(waiting.clone())?;
    let mut table = output::wide_table();
    table.set_header(["request", "what", "asked", "by", "reason"]);
    for asked in &waiting {
        table.add_row([
            asked.id.clone(),
            asked.what(),
            minute(asked.requested_at),
            asked.requester.clone(),
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
            "reason": "spam", "letters": ["l-1", "l-2"], "kind": "discard"},
            {"id": "e-1", "made_at": "2026-11-22T09:00:00Z", "requester": "on-call", "reason": "the passport says so",
            "letter_id": "l-3", "fields": ["patient.family"], "kind": "edit"}]);
        let text = asked_table(&waiting).unwrap();
        insta::assert_snapshot!("approvals", text);
        let one = |state: Option<&str>| left(&Left { id: "l-1".to_owned(), state: state.map(str::to_owned) });
        assert_eq!(
            (one(None), one(Some("replayed"))),
            ("there is no l-1".to_owned(), "l-1 is replayed".to_owned())
        );
    }
}
