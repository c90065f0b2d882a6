//! Running the clinics' own examples: what `frontdesk templates check` does.
//!
//! An example is a submission and what becomes of it, beside the template (`clinic-03/examples/minor.json`):
//! `{"submission": {…}, "expected": {"intake": {…}} | {"rejected": {"code": …, "field": …}} | {"held": {"code": …, "field": …}}}`.
//! Messages name files and fields, never values.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{Clinic, Clinics, MapError, TemplateError};
use crate::{ClinicId, Code, FieldPath, rules, submission::Submission};

/// What a check found.
#[derive(Debug)]
pub struct Report {
    /// Clinics whose templates compile; 0 if any does not.
    pub clinics: usize,
    /// Examples that were run.
    pub examples: usize,
    /// Everything that is wrong, by file.
    pub failures: Vec<TemplateError>,
}

impl Report {
    /// Whether nothing is wrong.
    pub const fn passed(&self) -> bool {
        self.failures.is_empty()
    }
}

/// An example file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Example {
    submission: Submission,
    expected: Expected,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Expected {
    Intake(Value),
    Rejected(End),
    Held(End),
}

#[derive(Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct End {
    code: Code,
    field: Option<FieldPath>,
}

/// Compiles the files and runs every example. Each clinic must have at least one.
pub fn run(files: &BTreeMap<String, String>) -> Report {
    let clinics = match Clinics::from_sources(files.clone()) {
        Ok(clinics) => clinics,
        Err(errors) => return Report { clinics: 0, examples: 0, failures: errors.0 },
    };
    let mut report = Report { clinics: clinics.len(), examples: 0, failures: Vec::new() };
    let mut examples_of: BTreeMap<&ClinicId, usize> = clinics.iter().map(|clinic| (&clinic.id, 0)).collect();
    for (path, text) in files {
        let Some((folder, _)) = path.split_once("/examples/").filter(|_| path.ends_with(".json")) else {
            continue;
        };
        report.examples += 1;
        let clinic = ClinicId::parse(folder).ok().and_then(|id| clinics.get(&id));
        let outcome = match clinic {
            Some(clinic) => {
                *examples_of.entry(&clinic.id).or_default() += 1;
                example(clinic, text)
            }
            None => Err("there is no template for this clinic".to_owned()),
        };
        if let Err(what) = outcome {
            report.failures.push(TemplateError::new(path, what));
        }
    }
    for (clinic, _) in examples_of.into_iter().filter(|(_, examples)| *examples == 0) {
        report
            .failures
            .push(TemplateError::new(&format!("{clinic}/examples"), "at least one example is wanted"));
    }
    report
}

fn example(clinic: &Clinic, text: &str) -> Result<(), String> {
    // The parser's own message may quote a value.
    let example: Example = serde_json::from_str(text)
        .map_err(|error| format!("not an example: line {}, column {}", error.line(), error.column()))?;
    let Example { submission, expected } = example;
    if submission.clinic_id != clinic.id {
        return Err("submission.clinic_id: another clinic's".to_owned());
    }
    let found = match clinic.map(&submission.form, &submission.form_version, submission.submitted_at) {
        Ok(intake) => match rules::check(&intake, clinic, submission.submitted_at) {
            Some(hold) => Expected::Held(End { code: hold.code, field: hold.field }),
            None => Expected::Intake(serde_json::to_value(&intake).map_err(|error| error.to_string())?),
        },
        Err(MapError::Rejected { code, field }) => Expected::Rejected(End { code, field: Some(field) }),
        Err(error @ MapError::TemplateFailed { .. }) => return Err(error.to_string()),
    };
    match (&expected, &found) {
        (Expected::Intake(wanted), Expected::Intake(got)) => {
            let mut at = Vec::new();
            differences(wanted, got, String::new(), &mut at);
            if at.is_empty() { Ok(()) } else { Err(format!("the intake differs at {}", at.join(", "))) }
        }
        (wanted, got) if wanted == got => Ok(()),
        (wanted, got) => Err(format!("expected {}, found {}", wanted.describe(), got.describe())),
    }
}

impl Expected {
    fn describe(&self) -> String {
        let end = |word, end: &End| match &end.field {
            Some(field) => format!("{word} {} at {field}", end.code),
            None => format!("{word} {}", end.code),
        };
        match self {
            Self::Intake(_) => "an intake".to_owned(),
            Self::Rejected(why) => end("rejected", why),
            Self::Held(why) => end("held", why),
        }
    }
}

/// The paths at which two values differ.
fn differences(wanted: &Value, got: &Value, at: String, found: &mut Vec<String>) {
    match (wanted, got) {
        (Value::Object(wanted), Value::Object(got)) => {
            let keys: std::collections::BTreeSet<&String> = wanted.keys().chain(got.keys()).collect();
            for key in keys {
                let path = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
                match (wanted.get(key), got.get(key)) {
                    (Some(wanted), Some(got)) => differences(wanted, got, path, found),
                    (Some(_), None) => found.push(format!("{path} (absent)")),
                    (None, _) => found.push(format!("{path} (not expected)")),
                }
            }
        }
        (wanted, got) if wanted == got => {}
        _ => found.push(if at.is_empty() { "its root".to_owned() } else { at }),
    }
}
