//! `frontdesk trace`.

use anyhow::bail;
use clap::Args;

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
    let Admission { outcome, correlation_id, received_at, timeline } = admission;
    let mut text = format!("{} at {}: {}\n", outcome.submission_id, outcome.clinic_id, standing(outcome));
    text += &format!("correlation {correlation_id}, received {received_at:.3}\n");
    let mut table = output::table();
    table.set_header(["after", "stage", "lane", "what", "attempt", "in hand", "template"]);
    for step in timeline {
        let after = step.at.duration_since(*received_at);
        let what = match &step.code {
            Some(code) => format!("{} ({code})", step.event),
            None => step.event.clone(),
        };
        table.add_row([
            format!("{:.3} s", after.as_secs_f64()),
            step.stage.clone(),
            step.lane.clone(),
            what,
            step.attempt.to_string(),
            format!("{} ms", step.took_ms),
            step.template.clone().unwrap_or_default(),
        ]);
    }
    text += &table.to_string();
    text.push('\n');
    if let Some(trace) = timeline.iter().find_map(|step| step.trace_id.as_ref()) {
        text += &format!("trace {trace}\n");
    }
    text
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
            "submission_id": "s-1", "clinic_id": "clinic-01", "state": "completed", "patient": "p1",
            "notified": ["email", "sms"], "correlation_id": "c-1", "received_at": "2027-01-07T09:00:00Z",
            "timeline": [{"at": "2027-01-07T09:00:00.25Z", "stage": "validation", "lane": "lane-1",
                "event": "emitted", "attempt": 1, "took_ms": 12, "template": "clinic-01@1", "trace_id": "abc"}]
        }))
        .unwrap();
        let text = life(&admission);
        for part in
            ["completed, patient p1, told by email and sms", "0.250 s", "validation", "12 ms", "trace abc"]
        {
            assert!(text.contains(part), "{part} in {text}");
        }
    }
}
