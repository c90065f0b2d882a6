//! `frontdesk acts`.

use clap::Args;
use jiff::Timestamp;
use ledger::acts::What;
use serde::Deserialize as _;
use serde_json::Value;

use super::{dlq::since, how::How};
use crate::{
    exit::NothingMatched,
    local::Layout,
    ops::{acts::Act, letters::Query},
    output::{self, cut, one_line},
};

/// A reason is cut to so many characters; the JSON has it whole.
const REASON: usize = 44;

/// What people did to the line, and why, newest first.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes:\n  0  something matched\n  1  the ops API\n  2  the command line\n  4  nothing matched"
)]
pub struct Acts {
    /// Only of this token's name.
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
    /// Only of this kind, such as paused, resumed or looked_up.
    #[arg(long, value_name = "KIND")]
    what: Option<What>,
    /// Only to this, such as clinic:clinic-01.
    #[arg(long)]
    scope: Option<String>,
    /// Only since then: a time such as 2026-11-22T09:00:00Z, or so long ago, such as 90m or 2h.
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<Timestamp>,
    /// Only before then, written in the same way.
    #[arg(long, value_name = "TIME", value_parser = since)]
    until: Option<Timestamp>,
    /// So many at most.
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
    #[command(flatten)]
    how: How,
}

impl Acts {
    fn query(&self) -> Query {
        let Self { actor, what, scope, since, until, .. } = self;
        let pairs = [
            ("actor", actor.clone()),
            ("what", what.map(|what| what.to_string())),
            ("scope", scope.clone()),
            ("from", since.map(|at| at.to_string())),
            ("until", until.map(|at| at.to_string())),
        ];
        pairs.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }

    /// Prints them.
    ///
    /// # Errors
    /// [`NothingMatched`], or if the API does not answer.
    pub async fn run(&self, layout: &Layout) -> anyhow::Result<()> {
        let acts = self.how.api.connect(layout)?.acts(&self.query(), self.limit).await?;
        let none = acts.is_empty();
        let value = Value::Array(acts);
        self.how.print(&value, || table(&value))?;
        if none {
            return Err(NothingMatched("no act is of the kind".to_owned()).into());
        }
        Ok(())
    }
}

fn table(acts: &Value) -> anyhow::Result<String> {
    let acts = Vec::<Act>::deserialize(acts)?;
    let mut table = output::wide_table();
    table.set_header(["to what\nwhy", "what\nwhat came of it", "who\nin which role", "when (UTC)"]);
    for Act { at, actor, role, what, scope, reason, outcome } in acts {
        table.add_row([
            format!("{scope}\n  {}", cut(&one_line(&reason), REASON)),
            format!("{what}\n  {outcome}"),
            format!("{actor}\n  {role}"),
            at.strftime("%Y-%m-%d\n%H:%M:%S").to_string(),
        ]);
    }
    Ok(output::text(table))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::table;

    #[test]
    fn an_act_is_a_line_that_a_terminal_does_not_obey() {
        let act = json!({"at": "2026-11-22T09:00:00Z", "actor": "sam", "role": "operator", "what": "paused",
            "scope": "clinic:clinic-01", "reason": "moving\n\u{1b}[31mhouse", "outcome": "done"});
        let text = table(&json!([act])).unwrap();
        for part in ["2026-11-22", "09:00:00", "sam", "operator", "paused", "clinic:clinic-01", "done"] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(text.contains("house") && !text.contains('\u{1b}'), "{text}");
    }
}
