//! What can be said of a submission by looking at it alone: reject it, hold it, or look for its person.

use crate::{
    Code, Fault, FieldPath, Hold, Meta,
    arrival::{Arrival, Flaw},
    blind::{BlindIndex, IndexKey},
    intake::Intake,
    meta::TemplateRef,
    rules,
    template::{Clinic, Clinics, MapError},
};

/// A form that became an intake. It is PHI: no `Debug`.
pub struct Found {
    /// The canonical intake.
    pub intake: Intake,
    /// The template that made it.
    pub template: TemplateRef,
}

/// What is said of it.
pub enum Judgement {
    /// The sender must change something.
    Reject {
        /// Why.
        code: Code,
        /// Where.
        field: Option<FieldPath>,
    },
    /// A person decides.
    Hold(Hold, Found),
    /// It goes on, if its person and what it asks for let it.
    Sound(Found),
}

impl Judgement {
    /// Looks again at what is held, but for the fields that a person has seen given on paper.
    #[must_use]
    pub fn but_for(self, given: &[FieldPath], clinics: &Clinics, meta: &Meta) -> Self {
        match (self, clinics.get(&meta.clinic)) {
            (Self::Hold(_, found), Some(clinic)) => checked(clinic, meta, found, given),
            (other, _) => other,
        }
    }
}

/// Decides, in the order that the sender and the clinic expect: is there such a clinic, is the form usable, may we go on.
///
/// # Errors
/// A permanent [`Fault`] with [`Code::TemplateFailed`] if the clinic's template is at fault and not the form.
pub fn judge(clinics: &Clinics, arrival: &Arrival) -> Result<Judgement, Fault> {
    let meta = &arrival.meta;
    let form = match &arrival.form {
        Ok(form) => form.expose(),
        Err(Flaw { code: Code::UnknownClinic, .. }) => {
            return Ok(Judgement::Reject { code: Code::UnknownClinic, field: None });
        }
        Err(Flaw { code, field, .. }) => {
            return Ok(Judgement::Reject { code: *code, field: Some(field.clone()) });
        }
    };
    let Some(clinic) = clinics.get(&meta.clinic) else {
        return Ok(Judgement::Reject { code: Code::UnknownClinic, field: None });
    };
    let intake = match clinic.map_form(form, meta.submitted_at) {
        Ok(intake) => intake,
        Err(MapError::Rejected { code, field }) => return Ok(Judgement::Reject { code, field: Some(field) }),
        Err(MapError::TemplateFailed { field }) => {
            return Err(Fault::Permanent { code: Code::TemplateFailed, field: Some(field) });
        }
    };
    let template = clinic
        .template_for(&form.form_version)
        .map_or_else(|| clinic.template_ref(), |t| t.reference().clone());
    Ok(checked(clinic, meta, Found { intake, template }, &[]))
}

fn checked(clinic: &Clinic, meta: &Meta, found: Found, given: &[FieldPath]) -> Judgement {
    match rules::check_but(&found.intake, clinic, meta.submitted_at, given) {
        Some(hold) => Judgement::Hold(hold, found),
        None => Judgement::Sound(found),
    }
}

/// Keyed hash of what is asked for at a clinic (provider and start): equal for the same request.
pub fn request(index: &IndexKey, meta: &Meta, intake: &Intake) -> BlindIndex {
    let wanted = &intake.appointment;
    index.index("request", &[meta.clinic.as_str(), &wanted.provider, &wanted.start.to_string()])
}
