//! `frontdesk trace`.

use anyhow::bail;
use clap::Args;
use jiff::Timestamp;

use super::outcomes::ApiArgs;
use crate::{
    local::Layout,
    ops::{Admission, Outcome},
    output,
};

/// The life of one submission: where it stands, and every hop that it made.
#[derive(Debug, Args)]
pub struct Trace {
    /// The sender's identifier of the submission.
    #[arg(value_parser = parse)]
    id: String,
    #[command(flatten)]
    api: ApiArgs,
}

/// Only what can be an identifier is asked for.
fn parse(text: &str) -> Result<String, domain::ids::IdError> {
    domain::SubmissionId::parse(text).map(Into::into)
}

impl Trace {
    /// Prints it.
    ///
    /// # Errors
    /// If there is no such submission.
    pub async fn run(&self, layout: &Layout) -> anyhow::Result<()> {
        let admissions = self.api.connect(layout)?.submission(&self.id).await?;
        if admissions.is_empty() {
            bail!("no submission {} was admitted", self.id);
        }
        for admission in &admissions {
            output::result(&life(admission))?;
        }
        Ok(())
    }
}

/// One admission, for people.
pub fn life(admission: &Admission) -> String {
    let Admission { outcome, correlation_id, received_at, settled_at, timeline, effects } = admission;
    let after = |at: Timestamp| format!("{:.3} s", at.duration_since(*received_at).as_secs_f64());
    let mut text = format!("{} at {}: {}\n", outcome.submission_id, outcome.clinic_id, standing(outcome));
    text += &format!("correlation {correlation_id}, received {received_at:.3}");
    text += &settled_at
        .map_or_else(|| ", on its way\n".to_owned(), |at| format!(", settled after {}\n", after(at)));
    let mut table = output::table();
    table.set_header(["after", "where", "what", "attempt", "in hand", "template"]);
    // Both lists are in order of time; together they tell the story.
    let mut rows: Vec<(Timestamp, [String; 6])> = Vec::new();
    for step in timeline {
        rows.push((
            step.at,
            [
                after(step.at),
                format!("{}.{}", step.stage, step.lane),
                why(&step.event, step.code.as_deref()),
                step.attempt.to_string(),
                format!("{} ms", step.took_ms),
                step.template.clone().unwrap_or_default(),
            ],
        ));
    }
    for effect in effects {
        let what = why(&format!("{} → {}", effect.event, effect.state), effect.code.as_deref());
        let place = format!("  EHR {}", effect.kind);
        rows.push((
            effect.at,
            [after(effect.at), place, what, effect.attempt.to_string(), String::new(), String::new()],
        ));
    }
    rows.sort_by_key(|(at, _)| *at);
    table.add_rows(rows.into_iter().map(|(_, row)| row));
    text += &table.to_string();
    text.push('\n');
    if let Some(trace) = timeline.iter().find_map(|step| step.trace_id.as_ref()) {
        text += &format!("trace {trace}\n");
    }
    text
}

fn why(what: &str, code: Option<&str>) -> String {
    code.map_or_else(|| what.to_owned(), |code| format!("{what} ({code})"))
}

fn standing(outcome: &Outcome) -> String {
    let mut text = outcome.state.clone();
    for why in [&outcome.code, &outcome.field].into_iter().flatten() {
        text += &format!(" {why}");
    }
    for (what, value) in [
        ("patient", &outcome.patient),
        ("appointment", &outcome.appointment),
        ("eligibility", &outcome.eligibility),
    ] {
        if let Some(value) = value {
            text += &format!(", {what} {value}");
        }
    }
    match outcome.notified.as_deref() {
        None | Some([]) => text,
        Some(channels) => text + &format!(", told by {}", channels.join(" and ")),
    }
}

#[cfg(test)]
mod tests {
    use super::life;
    use crate::ops::Admission;

    #[test]
    fn a_life_reads_as_a_story() {
        let admission: Admission = serde_json::from_value(serde_json::json!({
            "submission_id": "s-1", "settled_at": "2027-01-07T09:00:02Z", "clinic_id": "clinic-01", "state": "completed", "patient": "p1",
            "notified": ["email", "sms"], "correlation_id": "c-1", "received_at": "2027-01-07T09:00:00Z",
            "timeline": [{"at": "2027-01-07T09:00:00.25Z", "stage": "validation", "lane": "lane-1",
                "event": "emitted", "attempt": 1, "took_ms": 12, "template": "clinic-01@1", "trace_id": "abc"}],
            "effects": [{"at": "2027-01-07T09:00:00.5Z", "kind": "patient", "attempt": 1, "event": "intent",
                "state": "intent"}]
        }))
        .unwrap();
        let text = life(&admission);
        for part in [
            "completed, patient p1, told by email and sms",
            "settled after 2.000 s",
            "EHR patient",
            "0.250 s",
            "validation",
            "12 ms",
            "trace abc",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }
}
