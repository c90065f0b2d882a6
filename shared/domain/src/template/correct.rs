//! Mapping with what people corrected, and looking at one field alone.

use std::sync::Arc;

use jiff::Timestamp;

use super::{
    Clinic, Corrections, Field, MapError, canonical,
    corrections::Given,
    expr::Form,
    item::{Bad, Item},
    plan::Plan,
};
use crate::{Code, FieldPath, Phi, intake::Intake, submission::SubmittedForm};

impl Clinic {
    /// Makes the canonical intake of a form and what was corrected in it.
    ///
    /// # Errors
    /// As [`Clinic::map`].
    pub fn map_form(&self, form: &SubmittedForm, submitted_at: Timestamp) -> Result<Intake, MapError> {
        let template = self.template_for(&form.form_version).ok_or_else(no_version)?;
        let given = Given::default().over(&form.corrections);
        canonical::intake(&template.plan, &form.form, &given, self.day_of(submitted_at))
    }

    /// Whether every correction can be read as its field, by itself.
    ///
    /// # Errors
    /// [`MapError::Rejected`] names the first field, in canonical order, that cannot.
    pub fn reads(&self, corrections: &Corrections, submitted_at: Timestamp) -> Result<(), MapError> {
        let given = Given::default().over(corrections);
        canonical::reads(&self.no_rules(), &given, corrections.fields(), self.day_of(submitted_at))
    }

    /// An intake that was mapped before, with corrections: all is read again, as from a form that says the same.
    ///
    /// # Errors
    /// [`MapError::Rejected`] with the first problem in canonical order.
    pub fn correct(
        &self,
        intake: &Intake,
        corrections: &Corrections,
        submitted_at: Timestamp,
    ) -> Result<Intake, MapError> {
        let given = Given::by(intake).over(corrections);
        canonical::intake(&self.no_rules(), &serde_json::Value::Null, &given, self.day_of(submitted_at))
    }

    /// What a form has for a field, before it is read as the field's type; what the rule's steps cannot use comes as it stands in
    /// the form. `None`: nothing.
    ///
    /// # Errors
    /// [`MapError`] if the template does not find it.
    pub fn seen(&self, form: &SubmittedForm, field: Field) -> Result<Option<Phi<String>>, MapError> {
        let template = self.template_for(&form.form_version).ok_or_else(no_version)?;
        if let Some(item) = Given::default().over(&form.corrections).get(field) {
            return Ok(text(item));
        }
        let found = template.plan.found(field, &Form::new(&form.form)).map_err(|bad| match bad {
            Bad::Form => MapError::invalid(field),
            Bad::Template => MapError::TemplateFailed { field: field.path() },
        })?;
        Ok(text(&found))
    }

    /// The names of payers, and nothing else of a template.
    fn no_rules(&self) -> Plan {
        let payers = self.templates.first().map(|newest| Arc::clone(&newest.plan.payers));
        Plan { rules: Vec::new(), payers: payers.unwrap_or_default() }
    }
}

/// What an intake has for a field. `None`: nothing.
pub fn seen_in(intake: &Intake, field: Field) -> Option<Phi<String>> {
    Given::by(intake).get(field).and_then(text)
}

const fn no_version() -> MapError {
    MapError::Rejected { code: Code::InvalidField, field: FieldPath::known("form_version") }
}

fn text(item: &Item) -> Option<Phi<String>> {
    match item {
        Item::Nothing => None,
        Item::Text(text) => Some(Phi::new(text.clone())),
        Item::Flag(flag) => Some(Phi::new(if *flag { "yes" } else { "no" }.to_owned())),
        Item::List(texts) => Some(Phi::new(texts.join("; "))),
    }
}
