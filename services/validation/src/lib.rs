//! The first stage: admits a submission, makes the canonical intake of its form, checks it, and finds its person.
//!
//! [`domain::arrival`] reads what came, [`domain::judge`] maps and checks it without looking at anybody else's, [`persons`] compares
//! it with the persons that the ledger knows, and the [`Validation`] handler turns the ledger's decision into an outcome.

mod arrival;
mod judge;
mod persons;

use std::sync::Arc;

use domain::{
    Code, Fault, Hold, Meta, Outcome, Phi, Settled, Stage,
    blind::IndexKey,
    envelope::Message,
    judge::{Found, Judgement},
    matching::person::Matcher,
    messages::Validated,
    seal::Keyring,
    template::Clinics,
};
use ledger::{Admission, AdmissionRequest, AdmitError, Decision, Store};
use runtime::{Context, Handler, Incoming};

pub use arrival::Arrival;

use judge::Judged;

/// The stage.
pub struct Validation {
    clinics: Arc<Clinics>,
    index: Arc<IndexKey>,
    keys: Arc<Keyring>,
    store: Store,
    comparison: Arc<ledger::Matcher>,
}

impl Validation {
    /// What the stage works with.
    pub fn new(
        clinics: Arc<Clinics>,
        matcher: Arc<Matcher>,
        index: Arc<IndexKey>,
        keys: Arc<Keyring>,
        store: Store,
    ) -> Self {
        let comparison = persons::comparison(matcher, Arc::clone(&keys));
        Self { clinics, index, keys, store, comparison }
    }
}

impl Handler for Validation {
    const STAGE: Stage = Stage::Validation;
    type Input = Arrival;
    type Output = Validated;

    fn open(&self, incoming: &Incoming<'_>, keys: &Keyring, cx: &Context) -> Result<Arrival, Fault> {
        Arrival::at(&self.clinics, incoming, keys, cx)
    }

    async fn handle(&self, input: Arrival, cx: &Context) -> Result<Outcome<Message<Validated>>, Fault> {
        let judgement = domain::judge::judge(&self.clinics, &input.0)?;
        let judgement = self.again(judgement, &input.0.meta).await?;
        let Judged { proposed, found, content } =
            judge::propose(judgement, &input.0, &self.index, &self.keys)?;
        let corrected = input.0.is_corrected();
        let domain::arrival::Arrival { mut meta, original, .. } = input.0;
        meta.template = found.as_ref().map(|found| found.template.clone());
        meta.appointment_at = found.as_ref().map(|found| found.intake.appointment.start);
        let request = AdmissionRequest {
            submission: meta.submission.clone(),
            clinic: meta.clinic.clone(),
            message: cx.message(),
            correlation: meta.correlation,
            source: meta.source.clone(),
            submitted_at: meta.submitted_at,
            received_at: meta.received_at,
            appointment_at: meta.appointment_at,
            template: meta.template.clone(),
            content,
            corrected,
            original: original.to_vec()?,
            proposed,
        };
        let admission =
            self.store.admit(request, Arc::clone(&self.comparison)).await.map_err(|error| match error {
                AdmitError::Down(_) => Fault::transient(Code::StoreUnavailable),
                AdmitError::Unreadable(code) => Fault::permanent(code),
            })?;
        // A repeat has no row of its own: the hop is journalled, and the first one's state is left alone.
        if admission.decision != Decision::Repeat {
            cx.identify(admission.admission, meta.template.clone());
        }
        conclude(admission, meta, found)
    }
}

impl Validation {
    /// What is held for a consent is looked at again if a person has seen one on paper.
    async fn again(&self, judgement: Judgement, meta: &Meta) -> Result<Judgement, Fault> {
        if !matches!(judgement, Judgement::Hold(..)) {
            return Ok(judgement);
        }
        let given = self.store.consents(&meta.clinic, &meta.submission).await;
        let given = given.map_err(|_| Fault::transient(Code::StoreUnavailable))?;
        Ok(judgement.but_for(&given, &self.clinics, meta))
    }
}

/// The ledger's decision as an outcome.
fn conclude(
    admission: Admission,
    meta: Meta,
    found: Option<Found>,
) -> Result<Outcome<Message<Validated>>, Fault> {
    Ok(match admission.decision {
        Decision::Admitted { person, .. } => {
            // Admitted before under a template that has since changed its mind: a person has to look.
            let Some(found) = found else { return Err(Fault::permanent(Code::TemplateFailed)) };
            let meta = Meta { admission: Some(admission.admission), person: Some(person), ..meta };
            Outcome::Emit(Message { meta, secret: Phi::new(Validated { intake: found.intake }) })
        }
        Decision::Duplicate { of } => Outcome::Done(Settled::Duplicate { of }),
        Decision::Rejected { code, field } => Outcome::Done(Settled::Rejected { code, field }),
        Decision::Held { code, field } => Outcome::Hold(Hold { code, field }),
        Decision::Repeat => Outcome::Done(Settled::Repeat),
    })
}
