//! What can be said of a submission by looking at it alone: reject, hold, or match.

use std::sync::Arc;

use domain::{
    Code, Fault, Meta, Phi,
    blind::{BlindIndex, IndexKey},
    intake::Intake,
    matching::person::PersonRecord,
    meta::TemplateRef,
    rules,
    seal::Keyring,
    submission::SubmittedForm,
    template::{Clinic, Clinics, MapError},
};
use ledger::{MatchRequest, Proposed};

use crate::{arrival::Flaw, content, persons};

/// A form that became an intake.
pub(crate) struct Found {
    pub(crate) intake: Intake,
    pub(crate) template: TemplateRef,
}

/// A submission that was looked at.
pub(crate) struct Judged {
    pub(crate) proposed: Proposed,
    pub(crate) found: Option<Found>,
    pub(crate) content: BlindIndex,
}

/// Decides, in the order that the sender and the clinic expect: is there such a clinic, is the form usable, may we go on.
///
/// # Errors
/// [`Code::TemplateFailed`] if the clinic's template is at fault and not the form.
pub(crate) fn judge(
    clinics: &Clinics,
    index: &Arc<IndexKey>,
    keys: &Keyring,
    meta: &Meta,
    form: Result<Phi<SubmittedForm>, Flaw>,
) -> Result<Judged, Fault> {
    let form = match form {
        Ok(form) => form,
        Err(Flaw { code, field, content }) => {
            let whole = SubmittedForm { form_version: String::new(), form: content.unwrap_or_default() };
            let content = content::fingerprint(index, &meta.source, &whole);
            return Ok(Judged {
                proposed: Proposed::Reject { code, field: Some(field) },
                found: None,
                content,
            });
        }
    };
    let form = form.expose();
    let content = content::fingerprint(index, &meta.source, form);
    let judged = |proposed, found| Ok(Judged { proposed, found, content });
    let Some(clinic) = clinics.get(&meta.clinic) else {
        return judged(Proposed::Reject { code: Code::UnknownClinic, field: None }, None);
    };
    let intake = match clinic.map(&form.form, &form.form_version, meta.submitted_at) {
        Ok(intake) => intake,
        Err(MapError::Rejected { code, field }) => {
            return judged(Proposed::Reject { code, field: Some(field) }, None);
        }
        Err(MapError::TemplateFailed { field }) => {
            return Err(Fault::Permanent { code: Code::TemplateFailed, field: Some(field) });
        }
    };
    let template = clinic
        .template_for(&form.form_version)
        .map_or_else(|| clinic.template_ref(), |t| t.reference().clone());
    let proposed = match rules::check(&intake, clinic, meta.submitted_at) {
        Some(hold) => Proposed::Hold { code: hold.code, field: hold.field },
        None => Proposed::Match(match_request(&intake, clinic, index, keys)?),
    };
    judged(proposed, Some(Found { intake, template }))
}

fn match_request(
    intake: &Intake,
    clinic: &Clinic,
    index: &IndexKey,
    keys: &Keyring,
) -> Result<MatchRequest, Fault> {
    let record = PersonRecord::from(intake);
    let wanted = &intake.appointment;
    Ok(MatchRequest {
        blocks: record.block_keys(&clinic.id, index),
        person: persons::seal(&record, clinic.id.as_str(), keys)?,
        request: index.index("request", &[clinic.id.as_str(), &wanted.provider, &wanted.start.to_string()]),
    })
}
