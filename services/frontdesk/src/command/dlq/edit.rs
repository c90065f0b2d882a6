//! `frontdesk dlq edit`.

use std::{
    collections::BTreeMap,
    io::{self, BufRead, IsTerminal as _},
};

use anyhow::bail;
use clap::Args;
use domain::{Phi, ids::LetterId, template::Field};
use serde::Deserialize;
use serde_json::Value;

use super::{How, show::edited};
use crate::{exit::NeedsApproval, local::Layout, ops::letters::Edit, output};

/// Correct fields of an open letter, beside what it has, and dry-run it. The values are read from the terminal or the standard input, a
/// line for each --field: no list of processes and no history of a shell has them. An empty line takes a value away. A later edit takes
/// the place of an earlier one. What says who the patient is needs a second person.
#[derive(Debug, Args)]
pub(super) struct EditArgs {
    /// The letter's id, as `list` has it.
    id: LetterId,
    /// A field of the intake, such as patient.email. Several are read in this order.
    #[arg(
        long = "field",
        value_name = "PATH",
        required_unless_present = "withdraw",
        conflicts_with = "withdraw"
    )]
    fields: Vec<String>,
    /// Take the edit back that waits or is in force.
    #[arg(long)]
    withdraw: bool,
    /// Why, for the audit. No patient's data.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    how: How,
}

/// What the API says of an edit that it made.
#[derive(Deserialize)]
struct Made {
    #[serde(flatten)]
    edit: Edit,
    forecast: String,
    code: Option<String>,
    field: Option<String>,
    why: Option<String>,
}

impl EditArgs {
    pub(super) async fn run(&self, layout: &Layout) -> anyhow::Result<()> {
        let (id, how) = (self.id.to_string(), &self.how);
        if self.withdraw {
            let edit = how.api.connect(layout)?.withdraw_edit(&id, &self.reason).await?;
            return how.print(&edit, || told(&edit, "withdrawn: the letter is as it died"));
        }
        let fields = self.fields.iter().map(|path| known(path)).collect::<anyhow::Result<Vec<_>>>()?;
        let ops = how.api.connect(layout)?;
        let prompt = |field: Field| {
            if io::stdin().is_terminal() {
                output::line(&format!("{}, on one line:", field.as_str()));
            }
        };
        let values = read(&fields, &mut io::stdin().lock(), prompt)?;
        let made = ops.edit_letter(&id, &values, &self.reason).await?;
        how.print(&made, || text(&made))?;
        let Made { edit, .. } = serde_json::from_value(made)?;
        if edit.state == "waiting" {
            let waits = format!(
                "it waits for a second person, an approver: frontdesk dlq approve {} --reason TEXT",
                edit.id
            );
            return Err(NeedsApproval(waits).into());
        }
        Ok(())
    }
}

/// The field of a path. Whatever was typed is not quoted: it may be a value.
pub(super) fn known(path: &str) -> anyhow::Result<Field> {
    let Some(field) = Field::parse(path) else {
        let all: Vec<&str> = Field::ALL.iter().map(|field| field.as_str()).collect();
        bail!("that is no field of the intake; there are {}", all.join(", "));
    };
    Ok(field)
}

/// A line for each field.
fn read(
    fields: &[Field],
    from: &mut impl BufRead,
    prompt: impl Fn(Field),
) -> anyhow::Result<Phi<BTreeMap<String, String>>> {
    let mut values = BTreeMap::new();
    for field in fields {
        prompt(*field);
        let mut line = String::new();
        if from.read_line(&mut line)? == 0 {
            bail!("the input has no line for {}: nothing was edited", field.as_str());
        }
        let value = line.trim_end_matches(['\n', '\r']).to_owned();
        if values.insert(field.as_str().to_owned(), value).is_some() {
            bail!("{} is named twice: nothing was edited", field.as_str());
        }
    }
    Ok(Phi::new(values))
}

fn text(made: &Value) -> anyhow::Result<String> {
    let Made { edit, forecast, code, field, why } = serde_json::from_value(made.clone())?;
    let about = match (code, field, why) {
        (Some(code), Some(field), _) => format!(" {code} at {field}"),
        (Some(code), None, _) => format!(" {code}"),
        (None, _, Some(why)) => format!(" {}", why.replace('_', " ")),
        (None, ..) => String::new(),
    };
    let goes = ["would_create", "would_update", "would_notify"].contains(&forecast.as_str());
    let next = if edit.state == "waiting" {
        String::new()
    } else if goes {
        format!("to replay it: frontdesk dlq plan --id {} --reason TEXT\n", edit.letter_id)
    } else {
        "if more is to be corrected, edit all fields at once: a later edit takes the place of this one\n"
            .to_owned()
    };
    let forecast = forecast.replace('_', " ");
    Ok(format!(
        "edit {} of dead letter {}\n  {}\n  dry run: {forecast}{about}\n{next}",
        edit.id,
        edit.letter_id,
        edited(&edit)
    ))
}

/// An edit that was approved.
pub(super) fn approved(edit: &Value) -> anyhow::Result<String> {
    let letter = edit["letter_id"].as_str().unwrap_or_default();
    let next = format!("in force; to replay it: frontdesk dlq plan --id {letter} --reason TEXT");
    told(edit, &next)
}

fn told(edit: &Value, what: &str) -> anyhow::Result<String> {
    let edit: Edit = serde_json::from_value(edit.clone())?;
    let Edit { id, letter_id, fields, .. } = &edit;
    Ok(format!("edit {id} of dead letter {letter_id}, {}: {what}\n", fields.join(", ")))
}

#[cfg(test)]
mod tests {
    use domain::template::Field;
    use serde_json::json;

    use super::{approved, known, read, text, told};

    #[test]
    fn each_field_has_a_line_and_an_empty_one_is_a_value() {
        let fields = [Field::PatientEmail, Field::PatientPhone];
        let values = read(&fields, &mut "zed@example.com\r\n\nmore\n".as_bytes(), |_| {}).unwrap();
        let values: Vec<_> = values.expose().iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        assert_eq!(values, [("patient.email", "zed@example.com"), ("patient.phone", "")]);
        let short = read(&fields, &mut "zed@example.com\n".as_bytes(), |_| {}).unwrap_err().to_string();
        assert_eq!(short, "the input has no line for patient.phone: nothing was edited");
        let twice = [Field::Reason, Field::Reason];
        assert!(read(&twice, &mut "a\nb\n".as_bytes(), |_| {}).unwrap_err().to_string().contains("twice"));
        let error = known("patient.email=zed@example.com").unwrap_err().to_string();
        assert!(error.contains("appointment.start") && !error.contains("zed"), "{error}");
    }

    #[test]
    fn an_edit_tells_what_would_come_of_it_and_what_to_do() {
        let at = "2026-11-22T09:00:00Z";
        let mut made = json!({"id": "e-1", "letter_id": "l-1", "fields": ["patient.email"], "state": "in_force",
            "state_at": at, "made_at": at, "requester": "ann", "reason": "by phone", "forecast": "would_create"});
        let sound = text(&made).unwrap();
        made["forecast"] = json!("still_fails");
        (made["code"], made["field"]) = (json!("template_failed"), json!("reason"));
        let fails = text(&made).unwrap();
        (made["state"], made["fields"]) = (json!("waiting"), json!(["patient.family"]));
        let waits = text(&made).unwrap();
        let (approved, back) = (approved(&made).unwrap(), told(&made, "withdrawn").unwrap());
        insta::assert_snapshot!("edits", [sound, fails, waits, approved, back].join("\n"));
    }
}
