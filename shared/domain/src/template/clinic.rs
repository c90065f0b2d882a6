//! A clinic as the line sees it, and all of them.

use std::{collections::BTreeMap, fmt};

use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Field, MapError, Notification, Retry, TemplateErrors, load, plan::Plan, samples};
use crate::{
    ClinicId, ids::SourceName, intake::Intake, meta::TemplateRef, ports::RetryLimits,
    submission::SubmittedForm,
};

/// How the clinic's payers are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PayerProtocol {
    /// JSON over HTTP.
    Json,
    /// X12 270/271 (005010X279A1).
    X12,
}

/// Consents without which the clinic takes nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requires {
    /// Consent to treatment.
    pub treatment: bool,
    /// Consent to disclose substance-use treatment records (42 CFR Part 2): behavioral-health clinics.
    pub part2: bool,
}

/// One version of a clinic's template, compiled.
pub struct Template {
    pub(super) reference: TemplateRef,
    pub(super) form_versions: Vec<String>,
    pub(super) plan: Plan,
}

impl Template {
    /// The template's name and version.
    pub const fn reference(&self) -> &TemplateRef {
        &self.reference
    }

    /// The form versions that it maps.
    pub fn form_versions(&self) -> &[String] {
        &self.form_versions
    }
}

/// One clinic: its facts, which come from the newest version of its template, and the versions themselves.
pub struct Clinic {
    /// The identifier: its folder's name.
    pub id: ClinicId,
    /// The name that patients know.
    pub name: String,
    /// Where it is, in time.
    pub time_zone: TimeZone,
    /// Where its submissions come from.
    pub source: SourceName,
    /// The clinic's National Provider Identifier, which payers ask for.
    pub npi: Option<String>,
    /// Consents that it requires.
    pub requires: Requires,
    /// How its payers are asked.
    pub payer_protocol: PayerProtocol,
    /// The name of its EHR in the configuration (`[ehrs.<name>]`).
    pub ehr: String,
    /// What patients are told, and when not.
    pub notification: Notification,
    /// How often and how long it wants what failed to be tried again.
    pub retry: Retry,
    /// Canonical fields that an operator may edit in a dead letter.
    pub editable: Vec<Field>,
    /// Newest first, at least one.
    pub(super) templates: Vec<Template>,
}

impl fmt::Debug for Clinic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clinic")
            .field("id", &self.id)
            .field("template", &self.template_ref())
            .finish_non_exhaustive()
    }
}

impl Clinic {
    /// The newest template's name and version.
    pub fn template_ref(&self) -> TemplateRef {
        self.templates.first().map_or_else(
            || TemplateRef { id: self.id.to_string(), version: 0 },
            |newest| newest.reference.clone(),
        )
    }

    /// The versions of the template, newest first.
    pub fn templates(&self) -> &[Template] {
        &self.templates
    }

    /// The version of the template that maps a version of the form.
    pub fn template_for(&self, form_version: &str) -> Option<&Template> {
        self.templates.iter().find(|template| template.form_versions.iter().any(|v| v == form_version))
    }

    /// Makes the canonical intake of a form.
    ///
    /// # Errors
    /// [`MapError::Rejected`] with the first problem in canonical order, or
    /// [`Code::InvalidField`](crate::Code::InvalidField) at `form_version` if no
    /// version of the template takes the form; [`MapError::TemplateFailed`] if the template itself fails.
    pub fn map(&self, form: &Value, form_version: &str, submitted_at: Timestamp) -> Result<Intake, MapError> {
        self.map_form(&SubmittedForm::new(form_version.to_owned(), form.clone()), submitted_at)
    }

    /// The calendar day of a moment at the clinic.
    pub fn day_of(&self, moment: Timestamp) -> jiff::civil::Date {
        moment.to_zoned(self.time_zone.clone()).date()
    }
}

/// All clinics.
#[derive(Debug, Default)]
pub struct Clinics {
    pub(super) by_id: BTreeMap<ClinicId, Clinic>,
    pub(super) sources: BTreeMap<String, String>,
}

impl Clinics {
    /// Compiles template files. Paths are relative to the clinics folder: `_base/kiosk.toml`, `clinic-03/template.toml`.
    /// Of two texts for one path the later counts, so that one folder can lie over another; files that are neither
    /// templates nor examples are passed over.
    ///
    /// # Errors
    /// [`TemplateErrors`] with everything that is wrong, file by file.
    pub fn from_sources<P, T>(sources: impl IntoIterator<Item = (P, T)>) -> Result<Self, TemplateErrors>
    where
        P: Into<String>,
        T: Into<String>,
    {
        load::clinics(sources.into_iter().map(|(path, text)| (path.into(), text.into())).collect())
    }

    /// These clinics, and those of a samples folder's `clinics.json` that have no folder here: see [`samples::sources`].
    /// A clinic of the same id but of another name, form or kind is another clinic, and the sample's counts.
    ///
    /// # Errors
    /// [`TemplateErrors`] if the text is not what it should be or a base is missing.
    pub fn with_samples(&self, clinics_json: &str) -> Result<Self, TemplateErrors> {
        let made = samples::missing(self, clinics_json)?;
        let replaced =
            |path: &String| made.iter().any(|(new, _)| new.split('/').next() == path.split('/').next());
        let kept = self.sources.clone().into_iter().filter(|(path, _)| !replaced(path));
        Self::from_sources(kept.chain(made.clone()))
    }

    /// A clinic by its identifier.
    pub fn get(&self, id: &ClinicId) -> Option<&Clinic> {
        self.by_id.get(id)
    }

    /// All, by identifier.
    pub fn iter(&self) -> impl Iterator<Item = &Clinic> {
        self.by_id.values()
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }
}

impl RetryLimits for Clinics {
    fn of(&self, clinic: &ClinicId) -> Retry {
        self.get(clinic).map(|clinic| clinic.retry).unwrap_or_default()
    }
}
