//! What happens outside while a runbook is executed: patients submit, an EHR goes down, a template goes wrong.

use std::{collections::BTreeMap, str::FromStr};

use anyhow::{Context as _, bail};
use serde_json::{Value, json};
use testkit::wait;

use crate::{Forms, Line, PATIENCE, post};

/// A rule that no form satisfies: the reason of a visit is text, and the form as a whole no number.
const WRONG: &str = "reason = { expr = \"form * 2\" }";
/// Two samples of one person, born a day later the second time: nobody but a person can decide whether they are one.
const DOUBTFUL: [&str; 2] = ["3b51d375-f933-4f74-ab29-35f2c02823ec", "b06e1d51-34c5-4125-bdab-0850b8160826"];

/// Something that happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The EHR refuses everything.
    EhrDown,
    /// It answers again.
    EhrUp,
    /// So many patients of a clinic submit, each another person.
    Submit(usize, String),
    /// A patient submits and is written; then somebody submits who may be the same person.
    Alike,
    /// A clinic's template with a mistake goes live.
    Wrong(String),
    /// The mended template goes live.
    Mended(String),
}

impl FromStr for Event {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let words: Vec<&str> = text.split(' ').collect();
        Ok(match words.as_slice() {
            ["the", "EHR", "is", "down"] => Self::EhrDown,
            ["the", "EHR", "is", "back"] => Self::EhrUp,
            ["one", "patient", "of", clinic, "submits"] => Self::Submit(1, (*clinic).to_owned()),
            [count, "patients", "of", clinic, "submit"] => Self::Submit(count.parse()?, (*clinic).to_owned()),
            ["a", "patient", "submits", "twice", "with", "another", "birth", "date"] => Self::Alike,
            ["the", "template", "of", clinic, "goes", "wrong"] => Self::Wrong((*clinic).to_owned()),
            ["the", "template", "of", clinic, "is", "mended"] => Self::Mended((*clinic).to_owned()),
            _ => bail!("nobody knows how this comes about: {text}"),
        })
    }
}

/// The world of one document. What is submitted is called `intake-01`, `intake-02` and so on.
pub(super) struct World<'a> {
    line: &'a Line,
    forms: Forms,
    sent: usize,
    of: BTreeMap<String, usize>,
    private: Vec<String>,
}

impl<'a> World<'a> {
    pub(super) fn new(line: &'a Line) -> anyhow::Result<Self> {
        Ok(Self { line, forms: Forms::read()?, sent: 0, of: BTreeMap::new(), private: Vec::new() })
    }

    /// Lets it happen.
    pub(super) async fn happen(&mut self, event: &Event) -> anyhow::Result<()> {
        match event {
            Event::EhrDown => {
                let refused = json!({"kind": "error", "status": 503, "commit": "before"});
                self.line.faults(json!([{"class": "ehr", "fault": refused}])).await
            }
            Event::EhrUp => self.line.faults(json!([])).await,
            Event::Submit(count, clinic) => {
                let before = self.of.entry(clinic.clone()).or_default();
                let forms = self.forms.of(clinic, *before + count)?.split_off(*before);
                *before += count;
                for form in forms {
                    self.submit(form).await?;
                }
                Ok(())
            }
            Event::Alike => {
                let known = self.submit(Forms::named(DOUBTFUL[0])?).await?;
                self.line.settled(&[known]).await?;
                self.submit(Forms::named(DOUBTFUL[1])?).await.map(drop)
            }
            Event::Wrong(clinic) => self.template(clinic, Some(WRONG)).await,
            Event::Mended(clinic) => self.template(clinic, None).await,
        }
    }

    async fn template(&self, clinic: &str, rule: Option<&str>) -> anyhow::Result<()> {
        self.line.template(clinic, rule)?;
        self.line.kill_9("validation").await
    }

    /// Submits under the next name at the front door, and waits until it is known what validation made of it: what is done one by one is told in one order.
    async fn submit(&mut self, mut form: Value) -> anyhow::Result<String> {
        self.sent += 1;
        let id = format!("intake-{:02}", self.sent);
        form["submission_id"] = json!(id);
        private(&form["form"], &mut self.private);
        post(&self.line.endpoints.gateway, &form).await?.error_for_status()?;
        let arrived = async || {
            let rows = self.line.ops.outcomes().await.unwrap_or_default();
            let letters = self.line.ops.letters(&Vec::new(), 500).await.unwrap_or_default();
            rows.iter().any(|row| row.submission_id == id)
                || letters.iter().any(|letter| letter["submission_id"] == id.as_str())
        };
        wait::until(PATIENCE, arrived).await.with_context(|| format!("{id} does not arrive"))?;
        Ok(id)
    }

    /// Whether a text holds a value of somebody's form.
    pub(super) fn leaks(&self, text: &str) -> bool {
        self.private.iter().any(|value| text.contains(value))
    }
}

/// What a form says that can be told from the words of a program: names, addresses, phones, days of birth, members. Not when and with whom the visit is.
fn private(form: &Value, into: &mut Vec<String>) {
    match form {
        Value::String(text) => {
            let ours = text.starts_with("clinic-") || text.starts_with("202");
            // A few digits, such as a postal code, stand in any id by chance.
            let number = text.len() < 9 && text.chars().all(|one| one.is_ascii_digit());
            let word = text.chars().all(|one| one.is_ascii_lowercase() || one == '_');
            let plain = text.chars().count() < 5 || number || word;
            if !ours && !plain {
                into.push(text.clone());
            }
        }
        Value::Array(items) => items.iter().for_each(|item| private(item, into)),
        Value::Object(members) => members.values().for_each(|item| private(item, into)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Event, private};

    #[test]
    fn what_happens_is_read_and_nothing_else_is() {
        for (text, event) in [
            ("the EHR is down", Event::EhrDown),
            ("the EHR is back", Event::EhrUp),
            ("12 patients of clinic-01 submit", Event::Submit(12, "clinic-01".to_owned())),
            ("one patient of clinic-02 submits", Event::Submit(1, "clinic-02".to_owned())),
            ("a patient submits twice with another birth date", Event::Alike),
            ("the template of clinic-01 goes wrong", Event::Wrong("clinic-01".to_owned())),
            ("the template of clinic-01 is mended", Event::Mended("clinic-01".to_owned())),
        ] {
            assert_eq!(text.parse::<Event>().unwrap(), event);
        }
        for text in ["", "the EHR is", "many patients of clinic-01 submit", "the EHR is down now"] {
            assert!(text.parse::<Event>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_private_is_told_from_what_is_not() {
        let mut found = Vec::new();
        let form = json!({"name": {"first": "Joan", "last": "Mc Kay"}, "to": ["a.b@example.com"], "with": "clinic-01-prov-5",
            "at": "2027-02-14T16:40:00Z", "ok": true, "phone": "(795) 555-0142", "type": "new_patient", "postal": "47266"});
        private(&form, &mut found);
        found.sort();
        assert_eq!(found, ["(795) 555-0142", "Mc Kay", "a.b@example.com"]);
    }
}
