//! The submission: what a Make.com scenario publishes, before anything is known about it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::SourceName;
use crate::{ClinicId, Exchange, Phi, SubmissionId, envelope::Secret, template::Corrections};

/// Schema of a submission, in clear (published by a scenario) or sealed (by the gateway).
pub const SCHEMA: &str = "intake.submission.v1";

/// The kinds of source that a submission in clear may name. It stands outside of the seal, in columns and labels, and so it is no text of a
/// sender's choice. Those that come by the gateway are named by its configuration.
pub const SOURCES: [&str; 4] = ["web_form", "kiosk", "call_center", "referral_portal"];

/// A submission in clear, as a scenario publishes it to `intake.ingest`. `schemas/intake.submission.v1.json` is made from it.
// It has no `Debug`: its form is PHI.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Submission {
    /// The sender's opaque identifier: the same for every retry of the same submission.
    pub submission_id: SubmissionId,
    /// The clinic that it is for.
    pub clinic_id: ClinicId,
    /// Where it came from: `web_form`, `kiosk`, `call_center` or `referral_portal`.
    pub source: SourceName,
    /// When it was made.
    pub submitted_at: Timestamp,
    /// The version of the form, which selects a version of the clinic's template.
    pub form_version: String,
    /// The raw form, in any of the shapes that the clinic's template knows.
    pub form: Value,
}

/// The protected part of a submission that the gateway sealed.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SubmittedForm {
    /// The version of the form.
    pub form_version: String,
    /// The raw form.
    pub form: Value,
    /// What people corrected in it since: canonical field, value. It does not count when two submissions are compared.
    #[serde(default, skip_serializing_if = "Corrections::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "std::collections::BTreeMap<String, String>"))]
    pub corrections: Corrections,
}

impl SubmittedForm {
    /// A form as it came.
    pub fn new(form_version: String, form: Value) -> Self {
        Self { form_version, form, corrections: Corrections::default() }
    }
}

impl Secret for SubmittedForm {
    const SCHEMA: &'static str = SCHEMA;
    const EXCHANGE: Exchange = Exchange::Ingest;
}

impl Submission {
    /// Splits off the protected part.
    pub fn into_form(self) -> Phi<SubmittedForm> {
        Phi::new(SubmittedForm::new(self.form_version, self.form))
    }
}
