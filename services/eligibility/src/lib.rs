//! The second stage: is the patient covered on the day of the visit?
//!
//! [`ask`] asks a payer and remembers the day's answers, [`recheck`] asks again before the visit where there was no answer.
//! A payer never stops an intake.

mod ask;
mod config;
mod recheck;

use std::{sync::Arc, time::Duration};

use adapters::payer::{PayerDirectory, PayerFault};
use domain::{
    Code, Fault, Meta, Outcome, Phi, Stage,
    blind::IndexKey,
    clock::Clock,
    envelope::{Envelope, Message},
    intake::Intake,
    messages::{Checked, Eligibility, EligibilityStatus, Validated},
    seal::Keyring,
    template::Clinics,
};
use jiff::SignedDuration;
use ledger::{Store, eligibility::Recheck};
use runtime::{Context, Handler};

use ask::{Asker, NoAnswer};
pub use config::Config;

/// The stage. Cheap to clone: its recheck loop runs beside it.
#[derive(Clone)]
pub struct EligibilityCheck {
    clinics: Arc<Clinics>,
    asker: Arc<Asker>,
    config: Config,
}

/// What the stage works with.
pub struct Parts {
    /// The clinics.
    pub clinics: Arc<Clinics>,
    /// Where payers are.
    pub payers: PayerDirectory,
    /// The ledger.
    pub store: Store,
    /// Sealing keys.
    pub keys: Arc<Keyring>,
    /// The key of the blind indexes.
    pub index: Arc<IndexKey>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// `[eligibility]`.
    pub config: Config,
}

impl EligibilityCheck {
    /// Puts the stage together.
    pub fn new(parts: Parts) -> Self {
        let Parts { clinics, payers, store, keys, index, clock, config } = parts;
        let asker = Asker { payers, store, keys, index, clock };
        Self { clinics, asker: Arc::new(asker), config }
    }

    /// How much longer this intake waits for a payer; `None` when it has waited enough.
    fn patience_left(&self, cx: &Context) -> Option<Duration> {
        let left = self.config.patience() - waited(cx);
        Duration::try_from(left).ok().filter(|left| !left.is_zero())
    }

    /// How long until the payer is asked again: about as long as it has been waited for so far.
    fn pause(&self, cx: &Context) -> Duration {
        Duration::try_from(waited(cx)).unwrap_or_default().clamp(PAUSE.0, PAUSE.1)
    }

    /// Goes on without an answer, to be asked again before the visit.
    async fn go_on(&self, meta: &Meta, intake: &Intake, cx: &Context) -> Result<Eligibility, Fault> {
        let Some(admission) = meta.admission else { return Err(Fault::permanent(Code::Malformed)) };
        let message = Message { meta: meta.clone(), secret: Phi::new(Validated { intake: intake.clone() }) };
        let envelope: Envelope = message.seal(cx.keys())?;
        let recheck = Recheck {
            admission,
            clinic: meta.clinic.clone(),
            due_at: cx.now() + self.config.recheck_after(),
            before: intake.appointment.start,
            envelope: envelope.to_vec()?,
        };
        self.asker
            .store
            .schedule_recheck(&recheck)
            .await
            .map_err(|_| Fault::transient(Code::StoreUnavailable))?;
        Ok(Eligibility::bare(EligibilityStatus::Undetermined))
    }

    async fn determine(&self, meta: &Meta, intake: &Intake, cx: &Context) -> Result<Eligibility, Fault> {
        let Some(clinic) = self.clinics.get(&meta.clinic) else {
            return Err(Fault::permanent(Code::Misconfigured));
        };
        let Some(coverage) = &intake.coverage else {
            return Ok(Eligibility::bare(EligibilityStatus::NotAsked));
        };
        match self.asker.ask(clinic, intake, coverage, Some(cx)).await {
            Ok(answer) if answer.status == EligibilityStatus::Undetermined => {
                self.go_on(meta, intake, cx).await
            }
            Ok(answer) => Ok(answer),
            Err(NoAnswer::Store) => Err(Fault::transient(Code::StoreUnavailable)),
            Err(NoAnswer::Refused) => self.go_on(meta, intake, cx).await,
            Err(NoAnswer::Later(endpoint, fault)) => match self.patience_left(cx) {
                // Not a plain transient fault: its backoff would outlast the patience, and its attempts end in the dead letters.
                Some(left) => {
                    let asked =
                        if let PayerFault::Throttled { after } = fault { after } else { Duration::ZERO };
                    let after = self.pause(cx).max(asked).min(left);
                    Err(Fault::Throttled { code: Code::PayerUnavailable, after, endpoint: Some(endpoint) })
                }
                None => self.go_on(meta, intake, cx).await,
            },
        }
    }
}

/// The shortest and the longest pause before a payer is asked again.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// How long this intake has waited for a payer.
fn waited(cx: &Context) -> SignedDuration {
    cx.first_failed_at().map_or(SignedDuration::ZERO, |since| cx.now().duration_since(since))
}

impl Handler for EligibilityCheck {
    const STAGE: Stage = Stage::Eligibility;
    type Input = Message<Validated>;
    type Output = Checked;

    async fn handle(
        &self,
        input: Message<Validated>,
        cx: &Context,
    ) -> Result<Outcome<Message<Checked>>, Fault> {
        let Message { meta, secret } = input;
        let Validated { intake } = secret.into_exposed();
        let eligibility = self.determine(&meta, &intake, cx).await?;
        cx.record(|facts| facts.eligibility = Some(eligibility.status));
        Ok(Outcome::Emit(Message { meta, secret: Phi::new(Checked { intake, eligibility }) }))
    }
}
