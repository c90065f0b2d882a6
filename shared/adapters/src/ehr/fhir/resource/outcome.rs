//! `OperationOutcome`, of which only severity and code are read.

use serde::Deserialize;

use crate::ehr::IssueCode;

#[derive(Deserialize)]
pub(in crate::ehr::fhir) struct OperationOutcome {
    #[serde(default)]
    issue: Vec<Issue>,
}

#[derive(Deserialize)]
struct Issue {
    #[serde(default)]
    severity: String,
    #[serde(default)]
    code: String,
}

impl OperationOutcome {
    /// The code of the first issue that is an error.
    pub(in crate::ehr::fhir) fn code(&self) -> Option<IssueCode> {
        let error = |issue: &&Issue| matches!(issue.severity.as_str(), "fatal" | "error");
        self.issue.iter().filter(error).find_map(|issue| IssueCode::parse(&issue.code))
    }
}
