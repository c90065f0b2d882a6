//! Asking again, before the visit, about intakes that went on without an answer.

use std::time::Duration;

use domain::{
    Code, Fault,
    envelope::Envelope,
    messages::{EligibilityStatus, Validated},
};
use ledger::eligibility::{Recheck, Rechecked};
use runtime::telemetry;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::EligibilityCheck;

/// At most so many in one go: the rest next time.
const BATCH: u32 = 50;
/// Longer than a whole batch may take at a payer's slowest: meanwhile no other process asks about the same ones.
const HOLD: jiff::SignedDuration = jiff::SignedDuration::from_mins(30);

impl EligibilityCheck {
    /// Looks for due rechecks until told to stop. Several processes may do so: an answer recorded twice is the same answer.
    pub async fn recheck_until(&self, stop: CancellationToken) {
        let every = Duration::from_secs(self.config.recheck_every_s.into());
        while stop.run_until_cancelled(tokio::time::sleep(every)).await.is_some() {
            let Ok(due) = self.asker.store.due_rechecks(BATCH, HOLD).await else {
                continue;
            };
            for (recheck, thread) in due {
                if stop.is_cancelled() {
                    return;
                }
                let span =
                    telemetry::resume("recheck eligibility", thread.trace_id.as_deref(), thread.correlation);
                let again = async {
                    if let Err(fault) = self.recheck(&recheck).await {
                        tracing::warn!(frontdesk.code = %fault.code(), frontdesk.clinic = %recheck.clinic, "eligibility.recheck_failed");
                    }
                };
                again.instrument(span).await;
            }
        }
    }

    async fn recheck(&self, recheck: &Recheck) -> Result<(), Fault> {
        let message = Envelope::from_slice(&recheck.envelope)?.open::<Validated>(&self.asker.keys)?;
        let intake = &message.secret.expose().intake;
        let clinic = self.clinics.get(&recheck.clinic).ok_or(Fault::permanent(Code::Misconfigured))?;
        let coverage = intake.coverage.as_ref().ok_or(Fault::permanent(Code::Malformed))?;
        let result = match self.asker.ask(clinic, intake, coverage, None).await {
            Ok(answer) if answer.status != EligibilityStatus::Undetermined => {
                Rechecked::Answered(answer.status)
            }
            _ => Rechecked::Later(self.asker.clock.now() + self.config.recheck_after()),
        };
        let recorded = self.asker.store.record_recheck(recheck.admission, result).await;
        recorded.map_err(|_| Fault::transient(Code::StoreUnavailable))
    }
}
