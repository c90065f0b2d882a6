//! Submissions to send: the samples', under new names.

use std::{collections::HashSet, path::Path};

use anyhow::Context as _;
use serde_json::Value;

/// The sample submissions that go through, each of another person and for another slot.
pub struct Forms(Vec<Value>);

impl Forms {
    /// Reads the samples.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn read() -> anyhow::Result<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
        let lines = |name: &str| -> anyhow::Result<Vec<Value>> {
            let text = std::fs::read_to_string(folder.join(name))?;
            text.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
        };
        let (submissions, expected) = (lines("submissions.jsonl")?, lines("expected.jsonl")?);
        // Those that others refer to are left out: each must stand for itself.
        let named: HashSet<&str> = expected
            .iter()
            .flat_map(|line| [line["versus"].as_str(), line["of"].as_str()])
            .flatten()
            .collect();
        let alone = submissions.iter().zip(&expected).filter(|(_, line)| {
            line["state"] == "completed"
                && line["note"] == ""
                && line["eligibility"] == "active"
                && !line["submission_id"].as_str().is_some_and(|id| named.contains(id))
        });
        Ok(Self(alone.map(|(submission, _)| submission.clone()).collect()))
    }

    /// The sample submission of that id, whatever becomes of it.
    ///
    /// # Errors
    /// If the samples cannot be read or have none of that id.
    pub fn named(id: &str) -> anyhow::Result<Value> {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/submissions.jsonl");
        let text = std::fs::read_to_string(file)?;
        let line = text.lines().find(|line| line.contains(id)).context("no sample of that id")?;
        Ok(serde_json::from_str(line)?)
    }

    /// The first `count` of a clinic.
    ///
    /// # Errors
    /// If there are not so many.
    pub fn of(&self, clinic: &str, count: usize) -> anyhow::Result<Vec<Value>> {
        let of: Vec<Value> =
            self.0.iter().filter(|one| one["clinic_id"] == clinic).take(count).cloned().collect();
        anyhow::ensure!(of.len() == count, "{clinic} has only {} plain samples", of.len());
        Ok(of)
    }

    /// The first `count` of any clinic.
    ///
    /// # Errors
    /// If there are not so many.
    pub fn any(&self, count: usize) -> anyhow::Result<Vec<Value>> {
        self.0.get(..count).map(<[Value]>::to_vec).context("not so many plain samples")
    }

    /// The submission ids.
    ///
    /// # Panics
    /// Never: every sample has one.
    pub fn ids(submissions: &[Value]) -> Vec<String> {
        submissions.iter().filter_map(|one| one["submission_id"].as_str().map(str::to_owned)).collect()
    }
}
