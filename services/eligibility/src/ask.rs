//! Asking a payer about an intake, with the day's answers remembered.

use std::sync::Arc;

use adapters::payer::{Inquiry, PayerDirectory, PayerFault, Protocol, Route};
use domain::{
    Endpoint, Fault,
    blind::IndexKey,
    clock::Clock,
    intake::{Coverage, Intake},
    messages::{Eligibility, EligibilityStatus},
    seal::{Binding, Keyring},
    template::{Clinic, PayerProtocol},
};
use ledger::{
    Store,
    eligibility::{AnswerKey, CachedAnswer},
};
use runtime::Context;

/// What sealed answers are bound to: an answer belongs to a member and a day, not to a submission. Put into another member's row it does
/// not open.
fn bound<T>(key: &AnswerKey, with: impl FnOnce(Binding<'_>) -> T) -> T {
    with(Binding {
        submission: &format!("{} {}", key.member.to_hex(), key.day),
        clinic: "",
        schema: "eligibility.v2",
    })
}

/// What answers of earlier versions are bound to: to nobody. They are of use on their day only: to be taken out with the next version.
const UNBOUND: Binding<'static> = Binding { submission: "", clinic: "", schema: "eligibility.v1" };

/// Asks payers.
pub(crate) struct Asker {
    pub(crate) payers: PayerDirectory,
    pub(crate) store: Store,
    pub(crate) keys: Arc<Keyring>,
    pub(crate) index: Arc<IndexKey>,
    pub(crate) clock: Arc<dyn Clock>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NoAnswer {
    /// The payer may answer later, or is known not to answer now.
    Later(Endpoint, PayerFault),
    /// It will not until somebody changes our set-up.
    Refused,
    /// Our own database.
    Store,
}

impl Asker {
    /// The payer's answer about the intake's coverage on the day of the visit. With the context of a delivery, a payer that
    /// is paused or known to be down is not asked.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub(crate) async fn ask(
        &self,
        clinic: &Clinic,
        intake: &Intake,
        coverage: &Coverage,
        cx: Option<&Context>,
    ) -> Result<Eligibility, NoAnswer> {
        let now = self.clock.now();
        let member = self.index.index("member", &[&coverage.payer.to_lowercase(), &coverage.member_id]);
        let key = AnswerKey { member, day: clinic.day_of(now) };
        let cached = self.store.cached_answer(key).await.map_err(|_| NoAnswer::Store)?;
        if let Some(answer) = cached.and_then(|cached| self.recall(&key, &cached)) {
            return Ok(answer);
        }
        let route = self.route(clinic, coverage).ok_or(NoAnswer::Refused)?;
        if cx.and_then(|cx| cx.held_back(&route.endpoint)).is_some() {
            return Err(NoAnswer::Later(route.endpoint.clone(), PayerFault::Unavailable));
        }
        let answer = match route.payer.eligibility(&inquiry(clinic, intake, coverage)).await {
            Ok(answer) => answer,
            Err(PayerFault::Refused) => {
                tracing::warn!(frontdesk.endpoint = route.endpoint.as_str(), "payer.refused");
                return Err(NoAnswer::Refused);
            }
            Err(fault) => {
                match (cx, fault) {
                    // A payer behind a clearinghouse is away: that says nothing about the others behind it.
                    (Some(cx), PayerFault::NotNow) => cx.succeeded(&route.endpoint),
                    (Some(cx), _) => cx.failed(&route.endpoint),
                    (None, _) => {}
                }
                return Err(NoAnswer::Later(route.endpoint.clone(), fault));
            }
        };
        if let Some(cx) = cx {
            cx.succeeded(&route.endpoint);
        }
        if answer.status != EligibilityStatus::Undetermined {
            let kept = self.remember(&key, &answer).map_err(|_| NoAnswer::Store)?;
            self.store.cache_answer(key, kept).await.map_err(|_| NoAnswer::Store)?;
        }
        Ok(answer)
    }

    fn route(&self, clinic: &Clinic, coverage: &Coverage) -> Option<&Route> {
        let protocol = match clinic.payer_protocol {
            PayerProtocol::Json => Protocol::Json,
            PayerProtocol::X12 => Protocol::X12,
        };
        self.payers.route(&coverage.payer, protocol)
    }

    fn remember(&self, key: &AnswerKey, answer: &Eligibility) -> Result<CachedAnswer, Fault> {
        let sealed = bound(key, |binding| self.keys.seal_record(answer, binding))?;
        Ok(CachedAnswer { status: answer.status, sealed: Some(sealed), answered_at: self.clock.now() })
    }

    /// An answer that does not open any more is asked for again.
    fn recall(&self, key: &AnswerKey, cached: &CachedAnswer) -> Option<Eligibility> {
        let sealed = cached.sealed.as_deref()?;
        let opened = bound(key, |binding| self.keys.open_record(sealed, binding));
        opened.or_else(|_| self.keys.open_record(sealed, UNBOUND)).ok()
    }
}

fn inquiry(clinic: &Clinic, intake: &Intake, coverage: &Coverage) -> Inquiry {
    let patient = &intake.patient;
    Inquiry {
        payer: coverage.payer.clone(),
        member_id: coverage.member_id.clone(),
        given: patient.given.clone(),
        middle: patient.middle.clone(),
        family: patient.family.clone(),
        birth_date: patient.birth_date,
        sex: patient.sex,
        holder: None,
        service_date: clinic.day_of(intake.appointment.start),
        organisation: Some(clinic.name.clone()),
        npi: clinic.npi.clone(),
    }
}
