//! What the senders say that they sent.

use std::{io::Read, path::Path};

use anyhow::Context as _;
use domain::{ClinicId, ids::SourceName};
use jiff::civil::Date;
use serde::Deserialize;

use crate::ops::reconciliations::SentCount;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    date: Date,
    clinic: ClinicId,
    source: SourceName,
    sent: u64,
}

/// The lines of a day.
pub(super) fn read(file: &Path, day: Date) -> anyhow::Result<Vec<SentCount>> {
    let opened = std::fs::File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
    parse(opened, day).with_context(|| file.display().to_string())
}

fn parse(text: impl Read, day: Date) -> anyhow::Result<Vec<SentCount>> {
    let mut sent = Vec::new();
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text);
    for (number, line) in (2..).zip(reader.deserialize::<Line>()) {
        // The line itself is not quoted: who knows what somebody put into the file.
        let Ok(Line { date, clinic, source, sent: count }) = line else {
            anyhow::bail!("line {number} is not date,clinic,source,sent");
        };
        if date == day {
            sent.push(SentCount { clinic: clinic.into(), source: source.into(), count });
        }
    }
    Ok(sent)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::parse;

    #[test]
    fn the_days_lines_are_read() {
        let text =
            "date,clinic,source,sent\n2026-11-22, clinic-01, web_form, 41\n2026-11-21,clinic-01,web_form,9\n";
        let sent = parse(text.as_bytes(), date(2026, 11, 22)).unwrap();
        assert_eq!(sent.len(), 1);
        assert_eq!(
            (sent[0].clinic.as_str(), sent[0].source.as_str(), sent[0].count),
            ("clinic-01", "web_form", 41)
        );
    }

    #[test]
    fn a_wrong_line_is_named_and_not_quoted() {
        for text in ["date,clinic,source,sent\n2026-11-22,Zelda,web_form,1\n", "clinic,sent\nclinic-01,1\n"] {
            let error = parse(text.as_bytes(), date(2026, 11, 22)).unwrap_err().to_string();
            assert!(error.contains("line 2") && !error.contains("Zelda"), "{error}");
        }
    }
}
