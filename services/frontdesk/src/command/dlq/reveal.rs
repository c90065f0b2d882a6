//! `frontdesk dlq show ID --reveal FIELD`.

use clap::Args;
use domain::{Phi, ids::LetterId};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::{How, edit::known};
use crate::{local::Layout, output};

/// Which field is shown, and what for.
#[derive(Debug, Args)]
pub(super) struct RevealArgs {
    /// Show what the letter has for this field, such as patient.email. It is on record who looked, and what for.
    #[arg(long, value_name = "FIELD")]
    reveal: Option<String>,
    /// What the value is looked at for. No patient's data in it. It holds for five minutes, for this field of this letter.
    #[arg(long, value_name = "TEXT", requires = "reveal")]
    purpose: Option<String>,
    /// Show what the letter's edit has for it.
    #[arg(long, requires = "reveal")]
    edited: bool,
}

/// One field's value. PHI: no `Debug`.
#[derive(Deserialize)]
struct Shown {
    letter_id: String,
    field: String,
    of: String,
    value: String,
    until: Timestamp,
}

impl RevealArgs {
    pub(super) const fn is_asked(&self) -> bool {
        self.reveal.is_some()
    }

    pub(super) async fn run(&self, id: LetterId, how: &How, layout: &Layout) -> anyhow::Result<()> {
        let field = known(self.reveal.as_deref().unwrap_or_default())?.as_str();
        let of = if self.edited { "edit" } else { "original" };
        let ops = how.api.connect(layout)?;
        let shown = ops.reveal(&id.to_string(), field, of, self.purpose.as_deref()).await?;
        how.print(shown.expose(), || text(&shown))
    }
}

/// The value on a line of its own. What a form has may hold anything: nothing of it reaches the terminal as a command.
fn text(shown: &Phi<Value>) -> anyhow::Result<String> {
    let Shown { letter_id, field, of, value, until } = serde_json::from_value(shown.expose().clone())?;
    let of = if of == "edit" { "the edit of dead letter" } else { "dead letter" };
    Ok(format!(
        "{field} of {of} {letter_id}\n  {}\nyou may look at it again until {until:.0} without another purpose\n",
        output::one_line(&value)
    ))
}

#[cfg(test)]
mod tests {
    use domain::Phi;
    use serde_json::json;

    use super::text;

    #[test]
    fn a_value_is_shown_with_the_end_of_its_time() {
        let shown = json!({"letter_id": "l-1", "field": "patient.email", "of": "original",
            "value": "zed\u{1b}[2J(at)example.com", "until": "2026-11-22T09:05:00Z"});
        insta::assert_snapshot!("revealed", text(&Phi::new(shown)).unwrap());
    }
}
