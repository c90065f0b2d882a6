//! `frontdesk trace`.

use std::{convert::Infallible, ffi::OsStr, io::IsTerminal as _};

use anyhow::bail;
use clap::{Arg, Args, Command, builder::TypedValueParser, error::ErrorKind};
use domain::{ClinicId, Phi};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize as _;
use serde_json::Value;

use super::how::How;
use crate::{
    exit::NothingMatched,
    local::Layout,
    ops::{Admission, Match, Ops, Outcome, Reached, Traced},
    output,
};

/// The life of one submission: where it stands, and every hop that it made, with how long it waited and was in hand.
///
/// The id may be the submission's, or of its correlation, a message, its admission, its appointment in the EHR, or a trace. Where it
/// names several submissions they are listed; trace one by its admission's id. By --phone or --email the patient's submissions are
/// found through blind indexes: nothing is stored or logged of the value, but who looked, when, and the purpose is on record
/// (`frontdesk acts --what looked_up`).
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes:\n  0  something matched\n  1  the ops API\n  2  the command line\n  4  nothing matched"
)]
pub struct Trace {
    /// What names the submission.
    #[arg(value_parser = protected, required_unless_present_any = ["phone", "email"], conflicts_with_all = ["phone", "email"])]
    id: Option<Phi<String>>,
    /// It is an id, although it looks like a phone number.
    #[arg(long, requires = "id")]
    is_id: bool,
    /// By the patient's phone, a line of the standard input: no list of processes shows it, and no shell keeps it.
    #[arg(long, value_name = "-", value_parser = OnlyInput, requires = "purpose", conflicts_with = "email")]
    phone: Option<FromInput>,
    /// By the patient's e-mail, a line of the standard input.
    #[arg(long, value_name = "-", value_parser = OnlyInput, requires = "purpose")]
    email: Option<FromInput>,
    /// What the patient is looked up for. No patient's data in it.
    #[arg(long, value_name = "TEXT", conflicts_with = "id")]
    purpose: Option<String>,
    /// Only at this clinic.
    #[arg(long, value_name = "ID")]
    clinic: Option<ClinicId>,
    #[command(flatten)]
    how: How,
}

/// Only what can be an identifier is asked for: all that there are fit the rule of the sender's. What may be a patient's goes into no
/// URL and no message.
fn identifier(text: &Phi<String>, is_id: bool) -> anyhow::Result<String> {
    let text = text.expose();
    if looks_like_a_phone(text) && !is_id {
        bail!(
            "this may be a phone number: look it up with --phone - --purpose; if it is an id, say so with --is-id"
        );
    }
    let Ok(id) = domain::SubmissionId::parse(text) else {
        bail!("this is no id; a phone or an e-mail is looked up with --phone - or --email - and a --purpose");
    };
    Ok(id.into())
}

/// Seven digits or more, and nothing else but what people write between them.
fn looks_like_a_phone(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    (7..=15).contains(&digits) && text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.() ".contains(&byte))
}

/// Takes any text, so that no message of the command line quotes it.
fn protected(text: &str) -> Result<Phi<String>, Infallible> {
    Ok(Phi::new(text.to_owned()))
}

/// A value that is read from the standard input.
#[derive(Debug, Clone, Copy)]
struct FromInput;

/// Takes - and nothing else: whoever lists processes sees what stands among the arguments. What was given there is not quoted either.
#[derive(Clone, Copy)]
struct OnlyInput;

impl TypedValueParser for OnlyInput {
    type Value = FromInput;

    fn parse_ref(&self, command: &Command, _: Option<&Arg>, value: &OsStr) -> Result<FromInput, clap::Error> {
        if value == "-" {
            return Ok(FromInput);
        }
        let said = "--phone and --email take - and read the value from the standard input: an argument is seen by others";
        Err(clap::Error::raw(ErrorKind::ValueValidation, said).with_cmd(command))
    }
}

impl Trace {
    /// Prints it.
    ///
    /// # Errors
    /// [`NothingMatched`], or if the API refuses it or does not answer.
    pub async fn run(&self, layout: &Layout) -> anyhow::Result<()> {
        let Some(value) = self.ask(&self.how.api.connect(layout)?).await? else {
            let what = if self.id.is_some() { "this id" } else { "this person" };
            let hint = "what died before it was admitted is in frontdesk dlq list";
            return Err(NothingMatched(format!("no submission of {what} was admitted; {hint}")).into());
        };
        self.how.print(&value, || text(&value))
    }

    async fn ask(&self, ops: &Ops) -> anyhow::Result<Option<Value>> {
        let clinic = self.clinic.as_ref().map(ClinicId::as_str);
        if let Some(id) = &self.id {
            return ops.trace(&identifier(id, self.is_id)?, clinic).await;
        }
        let phone = self.phone.map(|_| read("phone").map(Reached::Phone)).transpose()?;
        let email = self.email.map(|_| read("e-mail").map(Reached::Email)).transpose()?;
        // The command line is refused without one of them, and without a purpose.
        let Some(whom) = phone.or(email) else { return Ok(None) };
        ops.look_up(&whom, clinic, self.purpose.as_deref().unwrap_or_default()).await
    }
}

/// A line of the standard input.
fn read(what: &str) -> std::io::Result<Phi<String>> {
    if std::io::stdin().is_terminal() {
        output::line(&format!("the {what}, on one line:"));
    }
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    Ok(Phi::new(line.trim().to_owned()))
}

fn text(value: &Value) -> anyhow::Result<String> {
    let Traced { matches, more, admission } = Traced::deserialize(value)?;
    match (admission, matches.as_slice()) {
        (Some(mut admission), [one]) => {
            admission.outcome.submission_id.clone_from(&one.submission_id);
            Ok(life(&admission) + &next(one))
        }
        _ => Ok(choice(&matches, more)),
    }
}

/// What a person may do about it, if anything.
fn next(one: &Match) -> String {
    match one.state.as_str() {
        "held" => format!("a person decides: frontdesk holds show {}\n", one.admission_id),
        "dead" => format!("what died with it: frontdesk dlq groups --clinic {}\n", one.clinic_id),
        _ => String::new(),
    }
}

/// Several submissions, to choose from.
fn choice(matches: &[Match], more: bool) -> String {
    let mut table = output::wide_table();
    table.set_header(["admission\nsubmission", "received (UTC)", "state\nwhere, and found by"]);
    for one in matches {
        let copy = if one.copy { ", a refused copy" } else { "" };
        table.add_row([
            format!("{}\n  {}", one.admission_id, one.submission_id),
            one.received_at.strftime("%Y-%m-%d %H:%M:%S").to_string(),
            format!("{}{copy}\n  {}, by {}", why(&one.state, one.code.as_deref()), one.clinic_id, one.by),
        ]);
    }
    let count = if more { format!("the first {}", matches.len()) } else { matches.len().to_string() };
    format!("{}{count} submissions: trace one by the id of its admission\n", output::text(table))
}

/// One admission, for people.
pub fn life(admission: &Admission) -> String {
    let Admission { outcome, correlation_id, received_at, settled_at, timeline, effects } = admission;
    let after = |at: Timestamp| format!("{:.3} s", at.duration_since(*received_at).as_secs_f64());
    let mut text = format!("{} at {}: {}\n", outcome.submission_id, outcome.clinic_id, standing(outcome));
    text += &format!("received {received_at:.3}, ");
    text += &match settled_at {
        Some(at) if outcome.state == "held" => format!("held after {}\n", after(*at)),
        Some(at) => format!("settled after {}\n", after(*at)),
        None => "on its way\n".to_owned(),
    };
    text += &format!("correlation {correlation_id}\n");
    let mut table = output::table();
    table.set_header(["after", "where", "what", "attempt", "waited", "in hand", "template"]);
    // Both lists are in order of time; together they tell the story.
    let mut rows: Vec<(Timestamp, [String; 7])> = Vec::new();
    let mut left_off = *received_at;
    for step in timeline {
        rows.push((
            step.at,
            [
                after(step.at),
                format!("{}.{}", step.stage, step.lane),
                why(&step.event, step.code.as_deref()),
                step.attempt.to_string(),
                waited(left_off, step.at, step.took_ms),
                format!("{} ms", step.took_ms),
                step.template.clone().unwrap_or_default(),
            ],
        ));
        left_off = step.at;
    }
    for effect in effects {
        let what = if effect.event == effect.state {
            why(&effect.state, effect.code.as_deref())
        } else {
            why(&format!("{} → {}", effect.event, effect.state), effect.code.as_deref())
        };
        let place = format!("  EHR {}", effect.kind);
        rows.push((
            effect.at,
            [
                after(effect.at),
                place,
                what,
                effect.attempt.to_string(),
                String::new(),
                String::new(),
                String::new(),
            ],
        ));
    }
    rows.sort_by_key(|(at, _)| *at);
    table.add_rows(rows.into_iter().map(|(_, row)| row));
    text += &output::text(table);
    if let Some(trace) = timeline.iter().find_map(|step| step.trace_id.as_ref()) {
        text += &format!("trace {trace}\n");
    }
    text
}

/// From the end of the hop before to the moment at which the delivery was taken in hand.
fn waited(left_off: Timestamp, at: Timestamp, took_ms: i64) -> String {
    let waited = at.duration_since(left_off).saturating_sub(SignedDuration::from_millis(took_ms));
    format!("{:.3} s", waited.max(SignedDuration::ZERO).as_secs_f64())
}

fn why(what: &str, code: Option<&str>) -> String {
    code.map_or_else(|| what.to_owned(), |code| format!("{what} ({code})"))
}

fn standing(outcome: &Outcome) -> String {
    let mut text = outcome.state.clone();
    for why in [&outcome.code, &outcome.field].into_iter().flatten() {
        text += &format!(" {why}");
    }
    let known = [
        ("patient", &outcome.patient),
        ("appointment", &outcome.appointment),
        ("eligibility", &outcome.eligibility),
    ];
    let mut parts: Vec<String> =
        known.into_iter().filter_map(|(what, value)| Some(format!("{what} {}", value.as_ref()?))).collect();
    if let Some(channels) = outcome.notified.as_deref().filter(|channels| !channels.is_empty()) {
        parts.push(format!("told by {}", channels.join(" and ")));
    }
    if parts.is_empty() { text } else { text + "\n" + &parts.join(", ") }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use serde_json::json;

    use super::{Trace, identifier, text};

    fn admission() -> serde_json::Value {
        json!({"settled_at": "2027-01-07T09:00:02Z", "clinic_id": "clinic-01", "state": "completed", "patient": "p1",
            "notified": ["email", "sms"], "correlation_id": "c-1", "received_at": "2027-01-07T09:00:00Z",
            "timeline": [{"at": "2027-01-07T09:00:00.25Z", "stage": "validation", "lane": "lane-1",
                "event": "emitted", "attempt": 1, "took_ms": 12, "template": "clinic-01@1", "trace_id": "abc"},
                {"at": "2027-01-07T09:00:01.5Z", "stage": "eligibility", "lane": "lane-1",
                "event": "emitted", "attempt": 1, "took_ms": 250}],
            "effects": [{"at": "2027-01-07T09:00:00.5Z", "kind": "patient", "attempt": 1, "event": "intent",
                "state": "intent"}]})
    }

    fn one(id: &str) -> serde_json::Value {
        json!({"admission_id": id, "submission_id": "s-1", "clinic_id": "clinic-01", "by": "trace", "copy": false,
            "state": "held", "code": "slot_taken", "correlation_id": "c-1", "received_at": "2027-01-07T09:00:00Z"})
    }

    #[test]
    fn a_life_reads_as_a_story() {
        let found = json!({"matches": [one("a-1")], "more": false, "admission": admission()});
        let text = text(&found).unwrap();
        for part in [
            "s-1 at clinic-01: completed\npatient p1, told by email and sms\nreceived",
            "settled after 2.000 s",
            "EHR patient",
            "0.250 s",
            "validation",
            "12 ms",
            "1.000 s",
            "trace abc",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn several_are_told_to_choose_from() {
        let text = text(&json!({"matches": [one("a-1"), one("a-2")], "more": true})).unwrap();
        for part in ["a-1", "a-2", "held (slot_taken)", "trace", "the first 2 submissions"] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn what_may_be_a_patients_is_asked_for_as_no_id_and_quoted_by_no_message() {
        let ask = |text: &str, is_id| identifier(&domain::Phi::new(text.to_owned()), is_id);
        for id in
            ["s-1", "01a204e0-0dd3-75b3-86aa-757165b983c8", "4bf92f3577b34da6a3ce929d0e0e4736", "123456"]
        {
            assert_eq!(ask(id, false).unwrap(), id);
        }
        for patients in ["555-123-4567", "5551234567", "+14155550123", "jane@x.org", "Jane Doe"] {
            let refused = ask(patients, false).unwrap_err().to_string();
            assert!(refused.contains("--phone -") && !refused.contains(patients), "{refused}");
        }
        assert_eq!(ask("5551234567", true).unwrap(), "5551234567");
    }

    #[test]
    fn what_a_person_is_to_do_is_told() {
        let mut life = admission();
        life["state"] = "held".into();
        let held = text(&json!({"matches": [one("a-1")], "more": false, "admission": life})).unwrap();
        assert!(
            held.contains("held after 2.000 s") && held.ends_with("frontdesk holds show a-1\n"),
            "{held}"
        );
        let mut dead = one("a-1");
        (life["state"], dead["state"]) = ("dead".into(), "dead".into());
        let dead = text(&json!({"matches": [dead], "more": false, "admission": life})).unwrap();
        assert!(dead.ends_with("frontdesk dlq groups --clinic clinic-01\n"), "{dead}");
    }

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        trace: Trace,
    }

    #[test]
    fn a_person_is_looked_up_for_a_purpose_and_shown_nowhere() {
        use clap::error::ErrorKind::{ArgumentConflict, MissingRequiredArgument, ValueValidation};
        let parse = |args: &[&str]| Line::try_parse_from([&["trace"], args].concat());
        let refused = |args: &[&str]| {
            let error = parse(args).unwrap_err();
            assert!(!error.to_string().contains("2025550150"), "{error}");
            error.kind()
        };
        assert!(parse(&["s-1"]).is_ok());
        assert!(parse(&["--phone", "-", "--purpose", "a call"]).is_ok());
        for flag in ["--phone", "--email"] {
            assert_eq!(refused(&[flag, "2025550150", "--purpose", "a call"]), ValueValidation);
            assert_eq!(refused(&[&format!("{flag}=2025550150"), "--purpose", "a call"]), ValueValidation);
        }
        assert_eq!(refused(&[]), MissingRequiredArgument);
        assert_eq!(refused(&["--phone", "-"]), MissingRequiredArgument);
        assert_eq!(refused(&["s-1", "--phone", "-", "--purpose", "x"]), ArgumentConflict);
        assert_eq!(refused(&["--email", "-", "--phone", "-", "--purpose", "x"]), ArgumentConflict);
        assert_eq!(refused(&["s-1", "--purpose", "x"]), ArgumentConflict);
    }
}
