//! Plans, for people.

use std::fmt::Write as _;

use serde_json::Value;

use super::super::minute;
use crate::{
    ops::plans::{Item, Plan, Tally},
    output,
};

pub(super) fn progress(plan: &Plan) -> String {
    let tally = &plan.tally;
    let of = tally.letters - tally.skipped;
    format!(
        "published {} of {of}: {} completed, {} held, {} failed",
        tally.published, tally.completed, tally.held, tally.failed
    )
}

pub(super) fn stands(plan: &Plan) -> String {
    let skipped = match plan.tally.skipped {
        0 => String::new(),
        skipped => format!("; {skipped} passed by"),
    };
    format!("plan {} is {}: {}{skipped}\n{}", plan.id, plan.state, progress(plan), silence(plan))
}

/// What to do about a run that waited in vain.
fn silence(plan: &Plan) -> String {
    if plan.stopped_because.as_deref() != Some("silence") {
        return String::new();
    }
    let Tally { published, completed, held, failed, .. } = &plan.tally;
    format!(
        "of {} nothing was heard: `frontdesk status` shows what is paused; if the broker lost them, `frontdesk recover` publishes them again\n",
        published.saturating_sub(completed + held + failed)
    )
}

fn forecasts(plan: &Plan) -> String {
    let mut text = String::new();
    for (forecast, count) in &plan.tally.forecast {
        let _ = writeln!(text, "  {count:>6}  {}", forecast.replace('_', " "));
    }
    text
}

pub(super) fn made(plan: &Value) -> anyhow::Result<String> {
    let plan: Plan = serde_json::from_value(plan.clone())?;
    let mut text = format!("plan {}: {} letters\n{}", plan.id, plan.tally.letters, forecasts(&plan));
    text += "nothing was written or sent: this is what a replay would do\n";
    if plan.more {
        text += "more letters are of the kind: make another plan when this one is done\n";
    }
    let _ = writeln!(text, "letter by letter: frontdesk dlq plan show {}", plan.id);
    if plan.tally.waiting > 0 {
        let _ = writeln!(text, "to replay it:     frontdesk dlq replay {} --watch --reason TEXT", plan.id);
    } else {
        text += "there is nothing to replay: mend what they died of, then plan anew\n";
    }
    Ok(text)
}

pub(super) fn shown(value: &Value) -> anyhow::Result<String> {
    let plan: Plan = serde_json::from_value(value.clone())?;
    let items: Vec<Item> = serde_json::from_value(value["items"].clone())?;
    let mut table = output::wide_table();
    table.set_header(["nth", "letter\nsubmission", "visit", "dry run\nwhat became of it"]);
    for item in &items {
        let said = |words: [Option<&str>; 4]| {
            words.into_iter().flatten().collect::<Vec<_>>().join(" ").replacen('_', " ", 1)
        };
        let whose =
            [item.submission_id.as_deref(), item.clinic_id.as_deref()].map(|id| id.unwrap_or("not known"));
        let became = said([item.outcome.as_deref(), item.outcome_code.as_deref(), None, None]);
        table.add_row([
            item.nth.to_string(),
            format!("{}\n  {}", item.letter_id, whose.join(", ")),
            item.appointment_at.map_or_else(|| "not known".to_owned(), minute),
            format!(
                "{}\n  {}",
                said([
                    Some(&item.forecast),
                    item.code.as_deref(),
                    item.field.as_deref(),
                    item.why.as_deref()
                ]) + if item.edit_id.is_some() { ", edited" } else { "" },
                [item.state.as_str(), became.as_str()].join(" ").trim_end()
            ),
        ]);
    }
    let by = format!("by {}, {}: {}", plan.actor, minute(plan.made_at), output::one_line(&plan.reason));
    Ok(format!("{}{by}\n{}\n{}", stands(&plan), forecasts(&plan), output::text(table)))
}

pub(super) fn plans_table(plans: &Value) -> anyhow::Result<String> {
    let plans: Vec<Plan> = serde_json::from_value(plans.clone())?;
    let mut table = output::wide_table();
    table.set_header(["plan\nwhy", "made", "by", "state", "published", "failed"]);
    for plan in &plans {
        table.add_row([
            format!("{}\n  {}", plan.id, output::cut(&output::one_line(&plan.reason), 40)),
            minute(plan.made_at),
            plan.actor.clone(),
            plan.state.clone(),
            format!("{} of {}", plan.tally.published, plan.tally.letters),
            plan.tally.failed.to_string(),
        ]);
    }
    Ok(format!("{}times are UTC\n", output::text(table)))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{made, plans_table, shown};

    fn plan() -> Value {
        json!({"id": "p-1", "made_at": "2026-11-22T09:00:00Z", "actor": "on-call", "reason": "template mended",
            "state": "running", "canary": 5, "rate": 20, "stop_on": 10, "tally": {"letters": 4,
            "forecast": {"would_create": 3, "refused": 1}, "waiting": 1, "skipped": 1, "published": 2,
            "completed": 1, "held": 0, "failed": 1}})
    }

    #[test]
    fn a_plan_tells_what_would_become_of_its_letters_and_what_did() {
        let text = made(&plan()).unwrap();
        assert!(text.contains("plan p-1: 4 letters") && text.contains("3  would create"), "{text}");
        assert!(
            text.contains("frontdesk dlq replay p-1 --watch --reason TEXT") && !text.contains("more letters"),
            "{text}"
        );
        let mut whole = plan();
        whole["items"] = json!([
            {"nth": 1, "letter_id": "l-1", "forecast": "refused", "why": "in_doubt", "state": "skipped"},
            {"nth": 2, "letter_id": "l-2", "forecast": "would_create", "state": "published", "outcome": "failed",
             "outcome_code": "ehr_rejected", "clinic_id": "clinic-01", "edit_id": "e-1"}]);
        let text = shown(&whole).unwrap();
        for part in [
            "p-1 is running: published 2 of 3: 1 completed, 0 held, 1 failed; 1 passed by",
            "refused in doubt",
            "failed ehr rejected",
            "would create, edited",
            "by on-call, 2026-11-22 09:00: template mended",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        whole["stopped_because"] = json!("silence");
        whole["tally"]["failed"] = json!(0);
        let text = shown(&whole).unwrap();
        assert!(text.contains("of 1 nothing was heard") && text.contains("frontdesk recover"), "{text}");
        assert!(plans_table(&json!([plan()])).unwrap().contains("template mended"));
    }
}
