//! One dead letter, for people.

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    command::trace::life,
    ops::letters::{Crash, Edit, Letter},
    output,
};

/// What it is, and the life of its submission.
pub(super) fn text(letter: &Value) -> anyhow::Result<String> {
    let Letter {
        id,
        message_id,
        stage,
        lane,
        fingerprint,
        submission_id,
        clinic_id,
        correlation_id,
        trace_id,
        attempts,
        first_failed_at,
        died_at,
        collected_at,
        appointment_at,
        schema,
        state,
        state_at,
        plan_id,
        edits,
        admission,
        crash,
    } = serde_json::from_value(letter.clone())?;
    let mut text = format!("dead letter {id}\n{fingerprint}\n");
    let mut line = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            text += &format!("  {name:<14} {value}\n");
        }
    };
    line("stands", Some(stands(&state, state_at, plan_id)));
    line("died in", Some(format!("{stage}.{lane}, attempt {attempts}")));
    line("died", Some(died_at.to_string()));
    line("killed", crash.map(|crash| told(&crash)));
    line("first failed", first_failed_at.map(|at| at.to_string()));
    line("collected", Some(collected_at.to_string()));
    line("visit", appointment_at.map(|at| at.to_string()));
    line("clinic", clinic_id);
    line("submission", submission_id.clone());
    line("correlation", Some(correlation_id));
    line("message", message_id);
    line("trace", trace_id);
    line("body", Some(format!("{schema}, sealed")));
    for edit in &edits {
        line("edited", Some(edited(edit)));
    }
    match admission {
        Some(mut admission) => {
            admission.outcome.submission_id = submission_id.unwrap_or_default();
            text += &format!("\n{}", life(&admission));
        }
        None => text += "\nit was not admitted: there is no submission\n",
    }
    Ok(text)
}

fn stands(state: &str, since: Option<Timestamp>, plan: Option<String>) -> String {
    let since = since.map(|at| format!(" since {at}"));
    let plan = plan.map(|plan| format!(", by plan {plan}"));
    [Some(state.to_owned()), since, plan].into_iter().flatten().collect::<Vec<_>>().concat()
}

/// Which fields, where the edit stands, and who made it.
pub(super) fn edited(edit: &Edit) -> String {
    let Edit { fields, state, state_at, requester, approver, reason, .. } = edit;
    let approver = approver.as_ref().map(|name| format!(", approved by {name}")).unwrap_or_default();
    let (fields, state) = (fields.join(", "), state.replace('_', " "));
    format!("{fields}: {state} since {state_at}, by {requester}{approver}: {}", output::one_line(reason))
}

fn told(crash: &Crash) -> String {
    let Crash { deaths, last_seen_at } = crash;
    format!("{deaths} processes that had nothing else in hand; the last was seen alive at {last_seen_at}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::text;

    #[test]
    fn a_letter_tells_what_it_is_and_how_it_came_to_it() {
        let at = "2026-11-22T09:00:00Z";
        let mut letter = json!({"id": "l-1", "message_id": "m-1", "stage": "ehr-writer", "lane": "north",
            "fingerprint": "ehr-writer/ehr_rejected/patient.given/a@1", "correlation_id": "c-1", "attempts": 4,
            "died_at": at, "collected_at": at, "schema": "intake.checked.v1", "submission_id": "s-1",
            "state": "replayed", "state_at": at, "plan_id": "p-1", "edits": [
            {"id": "e-1", "letter_id": "l-1", "fields": ["patient.email"], "state": "superseded", "state_at": at,
             "made_at": at, "requester": "ann", "reason": "a typo"},
            {"id": "e-2", "letter_id": "l-1", "fields": ["patient.family", "reason"], "state": "in_force",
             "state_at": at, "made_at": at, "requester": "ann", "reason": "by phone", "approver": "bob"}]});
        let poison = text(&letter).unwrap();
        assert!(
            poison.contains("was not admitted")
                && poison.contains("intake.checked.v1, sealed")
                && poison.contains("replayed since 2026-11-22T09:00:00Z, by plan p-1"),
            "{poison}"
        );
        insta::assert_snapshot!("edited", poison);
        letter["crash"] = json!({"stage": "ehr-writer", "comebacks": 4, "deaths": 2, "last_seen_at": at});
        let killer = text(&letter).unwrap();
        assert!(killer.contains("2 processes that had nothing else in hand"), "{killer}");
        letter["admission"] = json!({"clinic_id": "clinic-01", "state": "dead", "code": "ehr_rejected",
            "correlation_id": "c-1", "received_at": at, "timeline": [{"at": at, "stage": "ehr-writer",
            "lane": "north", "event": "died", "attempt": 4, "took_ms": 7}], "effects": []});
        let admitted = text(&letter).unwrap();
        for part in ["ehr-writer.north, attempt 4", "s-1 at clinic-01: dead ehr_rejected", "died", "7 ms"] {
            assert!(admitted.contains(part), "{part} in {admitted}");
        }
    }
}
