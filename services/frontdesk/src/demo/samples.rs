//! A folder of sample data.

use std::{fs, path::Path};

use anyhow::Context as _;
use aws_lc_rs::digest::{SHA256, digest};
use domain::{ClinicId, ids::SourceName};
use serde::Deserialize;
use serde_json::Value;

/// One clinic of `clinics.json`, as far as the runner needs it.
#[derive(Debug, Clone, Deserialize)]
pub struct Clinic {
    /// Its identifier.
    pub clinic_id: ClinicId,
    /// Where its submissions come from.
    pub source: SourceName,
}

impl Clinic {
    /// Reads `clinics.json`.
    ///
    /// # Errors
    /// If it is absent or not such a list.
    pub fn read(folder: &Path) -> anyhow::Result<Vec<Self>> {
        let path = folder.join("clinics.json");
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} is not a list of clinics", path.display()))
    }
}

/// One line of `submissions.jsonl`, byte for byte, and what can be read of it. It holds PHI: it has no `Debug`.
pub struct Line {
    /// From 1.
    pub number: usize,
    /// The line.
    pub body: Vec<u8>,
    /// The sender's identifier.
    pub submission: Option<String>,
    /// The clinic.
    pub clinic: Option<ClinicId>,
    /// What makes it the same as another line: source, form version and form, not the time.
    pub content: [u8; 32],
}

impl Line {
    /// Reads `submissions.jsonl`.
    ///
    /// # Errors
    /// If it is absent.
    pub fn read(folder: &Path) -> anyhow::Result<Vec<Self>> {
        let path = folder.join("submissions.jsonl");
        let text = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
        Ok(lines.enumerate().map(|(at, line)| Self::of(at + 1, line)).collect())
    }

    /// The same line, to be sent again.
    #[must_use]
    pub fn again(&self) -> Self {
        let Self { number, body, submission, clinic, content } = self;
        Self {
            number: *number,
            body: body.clone(),
            submission: submission.clone(),
            clinic: clinic.clone(),
            content: *content,
        }
    }

    fn of(number: usize, body: &[u8]) -> Self {
        let value: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
        let text = |name: &str| value.get(name).and_then(Value::as_str);
        let same = [value.get("source"), value.get("form_version"), value.get("form")];
        Self {
            number,
            body: body.to_vec(),
            submission: text("submission_id").map(str::to_owned),
            clinic: text("clinic_id").and_then(|text| ClinicId::parse(text).ok()),
            content: hash(serde_json::to_vec(&same).unwrap_or_default().as_slice()),
        }
    }
}

fn hash(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, bytes).as_ref());
    out
}

#[cfg(test)]
mod tests {
    use super::Line;

    #[test]
    fn the_time_does_not_make_another_content() {
        let line = |at: &str, form: &str| {
            let text = format!(
                r#"{{"submission_id":"s","clinic_id":"c","source":"x","submitted_at":"{at}","form_version":"1","form":{form}}}"#
            );
            Line::of(1, text.as_bytes())
        };
        assert_eq!(line("1", r#"{"a":1,"b":2}"#).content, line("2", r#"{"b":2,"a":1}"#).content);
        assert_ne!(line("1", r#"{"a":1}"#).content, line("1", r#"{"a":2}"#).content);
        assert!(Line::of(1, b"not json").clinic.is_none());
    }
}
