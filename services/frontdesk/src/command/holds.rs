//! `frontdesk holds`.

mod show;

use clap::{Args, CommandFactory as _, Subcommand, error::ErrorKind};
use domain::{
    AdmissionId, ClinicId, Code, Stage,
    hold::{Verdict, Word},
};
use jiff::Timestamp;
use serde_json::Value;

use super::how::How;
use crate::{
    exit::NothingMatched,
    local::Layout,
    ops::{
        holds::{Row, Ruling},
        letters::Query,
    },
    output,
};

/// What waits for a person's decision, the soonest visit first. Nothing that is shown is PHI.
///
/// A decision is for good, is noted with who and why, and lets the submission go on through the line as it came: what was done for it
/// is not done again.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes:\n  0  shown, or decided\n  1  the ops API: it refused the decision (what is allowed is told), or did not answer\n  \
    2  the command line\n  4  nothing of the kind is held: nothing was decided"
)]
pub struct Holds {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// One by one, the soonest visit first.
    List {
        /// Only this clinic's.
        #[arg(long, value_name = "ID")]
        clinic: Option<ClinicId>,
        /// Only what this stage holds.
        #[arg(long)]
        stage: Option<Stage>,
        /// Only with this code.
        #[arg(long)]
        code: Option<Code>,
        /// So many at most.
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: usize,
        #[command(flatten)]
        how: How,
    },
    /// One: what is asked, how it may be answered, and what helps to answer it.
    Show {
        /// The admission's id, as `list` has it.
        id: AdmissionId,
        #[command(flatten)]
        how: How,
    },
    /// Decide about one. Which decisions there are, and what each names, `show` tells.
    Decide {
        /// The admission's id, as `list` has it.
        id: AdmissionId,
        /// What: same-person PERSON, different-person, consent-given REFERENCE, slot SLOT, done RESOURCE, not-done, sent [CHANNEL],
        /// send-again [CHANNEL], again or close.
        decision: Word,
        /// What the decision names.
        name: Option<String>,
        /// Why: for the audit. No patient's data.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        #[command(flatten)]
        how: How,
    },
}

impl Holds {
    /// Does it.
    ///
    /// # Errors
    /// [`NothingMatched`], or what the API refuses, or if it does not answer.
    pub async fn run(&self, layout: &Layout) -> anyhow::Result<()> {
        let none = || NothingMatched("nothing of this admission is held".to_owned());
        match &self.what {
            What::List { clinic, stage, code, limit, how } => {
                let query = query(clinic.as_ref(), *stage, *code);
                let holds = how.api.connect(layout)?.holds(&query, *limit).await?;
                let empty = holds.is_empty();
                let value = Value::Array(holds);
                how.print(&value, || table(&value))?;
                if empty {
                    return Err(NothingMatched("nothing of the kind is held".to_owned()).into());
                }
            }
            What::Show { id, how } => {
                let hold = how.api.connect(layout)?.hold(&id.to_string()).await?.ok_or_else(none)?;
                how.print(&hold, || show::text(&hold))?;
            }
            What::Decide { id, decision, name, reason, how } => {
                let verdict = Verdict::new(*decision, name.as_deref()).unwrap_or_else(|wrong| {
                    crate::cli::Cli::command().error(ErrorKind::ValueValidation, wrong).exit()
                });
                let api = how.api.connect(layout)?;
                let ruling = api.decide(&id.to_string(), &verdict, reason).await?.ok_or_else(none)?;
                how.print(&ruling, || told(id, &verdict, &ruling))?;
            }
        }
        Ok(())
    }
}

fn query(clinic: Option<&ClinicId>, stage: Option<Stage>, code: Option<Code>) -> Query {
    let pairs = [
        ("clinic", clinic.map(ToString::to_string)),
        ("stage", stage.map(|stage| stage.to_string())),
        ("code", code.map(|code| code.to_string())),
    ];
    pairs.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

fn table(holds: &Value) -> anyhow::Result<String> {
    let holds: Vec<Row> = serde_json::from_value(holds.clone())?;
    let mut table = output::wide_table();
    table.set_header(["id\nsubmission", "visit\nheld since", "why\nwhere"]);
    for hold in &holds {
        let visit = hold.appointment_at.map_or_else(|| "not known".to_owned(), minute);
        let why = [Some(hold.code.as_str()), hold.field.as_deref()].into_iter().flatten().collect::<Vec<_>>();
        table.add_row([
            format!("{}\n  {}", hold.admission_id, hold.submission_id),
            format!("{visit}\n{}", minute(hold.since)),
            format!("{}\n  {}, {}.{}", why.join(" "), hold.clinic_id, hold.stage, hold.lane),
        ]);
    }
    let rows = output::text(table);
    Ok(format!("{rows}{} held; times are UTC\nwhat is asked: frontdesk holds show ID\n", holds.len()))
}

/// What was decided, and what comes of it.
fn told(id: &AdmissionId, verdict: &Verdict, ruling: &Value) -> anyhow::Result<String> {
    let Ruling { state, effect } = serde_json::from_value(ruling.clone())?;
    let on = effect.map(|kind| format!(" on its {kind}")).unwrap_or_default();
    let next = match state.as_str() {
        "in_flight" if verdict.word == Word::NotDone => {
            "it goes on through the line, and is written as soon as the first write can land no more"
                .to_owned()
        }
        "in_flight" => "it goes on through the line".to_owned(),
        state => format!("it is {state}"),
    };
    Ok(format!("decided {}{on}: {next}\nwhat comes of it: frontdesk trace {id}\n", verdict.word))
}

fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use domain::hold::{Verdict, Word};
    use serde_json::json;

    use super::{table, told};

    #[test]
    fn the_list_tells_what_waits_and_why() {
        let holds = json!([{"admission_id": "a-1", "submission_id": "s-1", "clinic_id": "clinic-01",
            "stage": "validation", "lane": "north", "code": "consent_missing", "field": "consents.part2",
            "since": "2026-11-22T09:00:00Z", "appointment_at": "2026-11-23T10:30:00Z"}]);
        let text = table(&holds).unwrap();
        for part in
            ["a-1", "validation.north", "consent_missing consents.part2", "2026-11-23 10:30", "1 held"]
        {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn a_decision_is_told_with_what_comes_of_it() {
        let id = "00000000-0000-0000-0000-000000000001".parse().unwrap();
        let verdict = |word, names| Verdict::new(word, names).unwrap();
        let goes_on = told(
            &id,
            &verdict(Word::Done, Some("Patient-7")),
            &json!({"state": "in_flight", "effect": "patient"}),
        )
        .unwrap();
        assert!(goes_on.starts_with("decided done on its patient: it goes on through the line"), "{goes_on}");
        let ends = told(&id, &verdict(Word::Close, None), &json!({"state": "rejected"})).unwrap();
        assert!(ends.starts_with("decided close: it is rejected"), "{ends}");
    }
}
