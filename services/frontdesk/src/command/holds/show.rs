//! One hold, for the person who decides.

use std::fmt::Write as _;

use serde_json::Value;

use crate::{
    command::trace::life,
    ops::holds::{Before, Candidate, Doubt, Hold, Slot},
    output,
};

/// What is asked, how it may be answered, and what helps to answer it.
pub(super) fn text(hold: &Value) -> anyhow::Result<String> {
    let Hold { row, person_id, question, rule, candidates, slots, doubts, channels, decisions, admission } =
        serde_json::from_value(hold.clone())?;
    let mut text = format!("held {}\n", row.admission_id);
    let mut line = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            let _ = writeln!(text, "  {name:<11} {value}");
        }
    };
    line("why", Some([Some(row.code), row.field].into_iter().flatten().collect::<Vec<_>>().join(" ")));
    line("where", Some(format!("{}.{}", row.stage, row.lane)));
    line("since", Some(row.since.to_string()));
    line("visit", row.appointment_at.map(|at| at.to_string()));
    line("clinic", Some(row.clinic_id));
    line("submission", Some(row.submission_id.clone()));
    line("person", person_id);
    line("in doubt", Some(channels.join(" ")).filter(|channels| !channels.is_empty()));
    let _ = write!(
        text,
        "\n{question}\ndecide: frontdesk holds decide {} DECISION --reason TEXT\nDECISION is {rule}\n",
        row.admission_id
    );
    text += &who(&candidates);
    text += &when(&slots);
    text += &doubtful(&doubts, &row.admission_id);
    text += &before(&decisions);
    if let Some(mut admission) = admission {
        admission.outcome.submission_id = row.submission_id;
        let _ = write!(text, "\n{}", life(&admission));
    }
    Ok(text)
}

fn section(mut table: comfy_table::Table) -> String {
    output::keep_first(&mut table);
    format!("\n{}", output::text(table))
}

fn who(candidates: &[Candidate]) -> String {
    if candidates.is_empty() {
        return String::new();
    }
    let mut table = output::table();
    table.set_header(["person", "agrees", "differs"]);
    for one in candidates {
        table.add_row([one.id.clone(), one.agrees.join(" "), one.differs.join(" ")]);
    }
    section(table)
}

fn when(slots: &[Slot]) -> String {
    if slots.is_empty() {
        return String::new();
    }
    let mut table = output::wide_table();
    table.set_header(["slot, free when it was held", "start", "minutes"]);
    for slot in slots {
        table.add_row([slot.id.clone(), slot.start.to_string(), slot.minutes.to_string()]);
    }
    section(table)
}

fn doubtful(doubts: &[Doubt], own: &str) -> String {
    if doubts.is_empty() {
        return String::new();
    }
    let mut table = output::wide_table();
    table.set_header(["in doubt", "what", "stands", "resource"]);
    for one in doubts {
        let whose = if one.admission_id == own { "its own".to_owned() } else { one.admission_id.clone() };
        let what = format!("{} {}", one.role, one.kind);
        table.add_row([whose, what, one.state.clone(), one.resource.clone().unwrap_or_default()]);
    }
    let mut text = section(table);
    if doubts.iter().all(|one| one.admission_id != own) {
        text += "what is in doubt is another submission's: decide that one, then decide `again` here; if it was closed or discarded, decide here\n";
    }
    text
}

fn before(decisions: &[Before]) -> String {
    decisions.iter().fold(String::new(), |mut text, one| {
        let names = one.names.as_ref().map(|names| format!(" {names}")).unwrap_or_default();
        let reason = output::one_line(&one.reason);
        let _ = write!(
            text,
            "\ndecided before: {}{names}, for {}, by {}, {}: {reason}\n",
            one.decision, one.code, one.actor, one.at
        );
        text
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::text;

    fn hold() -> Value {
        json!({"admission_id": "a-1", "submission_id": "s-1", "clinic_id": "clinic-01", "stage": "ehr-writer",
            "lane": "north", "code": "ehr_parked", "since": "2026-11-22T09:00:00Z", "question": "Is it there?",
            "answers": ["done"], "rule": "done RESOURCE or close", "candidates": [], "slots": [], "doubts": [], "channels": ["sms"],
            "decisions": []})
    }

    #[test]
    fn a_hold_tells_what_is_asked_and_what_helps() {
        let mut hold = hold();
        hold["candidates"] = json!([{"id": "p-1", "agrees": ["family"], "differs": ["birth_date:typo"]}]);
        hold["slots"] = json!([{"id": "slot-9", "start": "2027-02-01T15:00:00Z", "minutes": 20}]);
        hold["decisions"] = json!([{"at": "2026-11-22T10:00:00Z", "stage": "ehr-writer", "code": "slot_taken",
            "decision": "slot", "names": "slot-8", "actor": "sam", "reason": "by\nphone"}]);
        let text = text(&hold).unwrap();
        for part in [
            "Is it there?",
            "decide: frontdesk holds decide a-1 DECISION --reason TEXT",
            "DECISION is done RESOURCE or close",
            "in doubt    sms",
            "p-1",
            "birth_date:typo",
            "slot-9",
            "decided before: slot slot-8, for slot_taken, by sam, 2026-11-22T10:00:00Z: by phone",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn somebody_elses_doubt_is_told_to_be_that() {
        let mut hold = hold();
        let doubt = |admission: &str| json!([{"admission_id": admission, "kind": "patient", "role": "create", "state": "parked"}]);
        hold["doubts"] = doubt("a-1");
        let own = text(&hold).unwrap();
        assert!(own.contains("its own") && !own.contains("another submission's"), "{own}");
        hold["doubts"] = doubt("a-2");
        let other = text(&hold).unwrap();
        assert!(other.contains("a-2") && other.contains("another submission's"), "{other}");
    }
}
