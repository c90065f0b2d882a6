//! One submission on its way into one EHR.

use std::sync::Arc;

use adapters::ehr::{Ehr, Profile};
use domain::{
    AdmissionId, Endpoint, PersonId,
    blind::{BlindIndex, IndexKey},
    clock::Clock,
    effect::Policy,
    intake::Intake,
    matching::person::Matcher,
    messages::Eligibility,
    template::Clinic,
};
use jiff::{SignedDuration, Timestamp};
use ledger::{BeginEffect, Store, Target, holds::Decisions};
use runtime::Context;
use tokio::sync::OnceCell;

use crate::stop::Stop;

/// What all steps of one submission need.
pub(crate) struct Task<'a> {
    pub(crate) ehr: &'a dyn Ehr,
    pub(crate) endpoint: Endpoint,
    pub(crate) store: &'a Store,
    pub(crate) index: &'a IndexKey,
    pub(crate) matcher: &'a Matcher,
    pub(crate) clock: &'a Arc<dyn Clock>,
    pub(crate) clinic: &'a Clinic,
    pub(crate) intake: &'a Intake,
    pub(crate) eligibility: &'a Eligibility,
    pub(crate) admission: AdmissionId,
    pub(crate) person: PersonId,
    pub(crate) cx: &'a Context,
    /// What people decided about the submission, once somebody has asked.
    pub(crate) decided: OnceCell<Decisions>,
}

/// How many calls to the EHR one lease must have time for: looking for an existing patient, reading, writing.
const CALLS: i32 = 3;
/// Time for our own work and for clocks that differ, within a lease.
const MARGIN: SignedDuration = SignedDuration::from_secs(5);

impl Task<'_> {
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn profile(&self) -> &Profile {
        self.ehr.profile()
    }

    /// What people decided about the submission.
    ///
    /// # Errors
    /// [`Stop::Closed`] if that is that it does not go on.
    pub(crate) async fn decisions(&self) -> Result<&Decisions, Stop> {
        let ask = async || self.store.decisions(self.admission).await.map_err(|_| Stop::store());
        let decisions = self.decided.get_or_try_init(ask).await?;
        decisions.closed.map_or(Ok(decisions), |code| Err(Stop::Closed(code)))
    }

    /// One call's deadline.
    pub(crate) fn deadline(&self) -> SignedDuration {
        SignedDuration::try_from(self.ehr.deadline()).unwrap_or(SignedDuration::MAX)
    }

    /// What the EHR promises.
    pub(crate) fn policy(&self) -> Policy {
        let profile = self.profile();
        let bounded = |time| SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX);
        Policy {
            class: profile.class,
            lease: self.deadline().saturating_mul(CALLS).saturating_add(MARGIN),
            // No search is believed before it can show what was there when the write began, however early no write can land any more.
            lateness: bounded(profile.lateness.max(profile.search_lag)),
            index_lag: bounded(profile.search_lag),
        }
    }

    /// The request to the ledger for the right to write.
    pub(crate) fn effect(&self, target: Target) -> BeginEffect {
        BeginEffect {
            admission: self.admission,
            clinic: self.clinic.id.clone(),
            person: self.person,
            target,
            idempotency: self.identity(target),
            policy: self.policy(),
        }
    }

    /// The opaque value that goes into the resource: of the person for what the person has once, of the submission for
    /// what the submission asks for.
    pub(crate) fn identity(&self, target: Target) -> BlindIndex {
        let clinic = self.clinic.id.as_str();
        let (person, admission) = (self.person.to_string(), self.admission.to_string());
        match target {
            Target::Patient => self.index.index("patient", &[clinic, &person]),
            Target::Coverage { key } => self.index.index("coverage", &[clinic, &person, &key.to_hex()]),
            Target::Slot | Target::SlotRelease => self.index.index("slot", &[clinic, &admission]),
            Target::Appointment => self.index.index("appointment", &[clinic, &admission]),
        }
    }
}
