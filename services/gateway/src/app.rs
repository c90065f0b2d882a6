//! What the gateway's handlers share.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use domain::{ClinicId, CorrelationId, SubmissionId, blind::IndexKey, clock::Clock, seal::Keyring};
use runtime::telemetry::Metrics;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Builder;

use crate::{
    idempotency::{Replays, Submissions},
    pauses::Pauses,
    ports::{Count, Ingest, Standings},
    problem::{Kind, Refusal},
    sources::{Source, Sources},
};

/// The gateway, wired.
pub struct App {
    /// Who may post.
    pub sources: Sources,
    /// The clinics that are configured.
    pub clinics: HashSet<ClinicId>,
    /// The clinics that take no intake now.
    pub pauses: Arc<Pauses>,
    /// Submissions accepted lately.
    pub submissions: Submissions,
    /// Webhook-ids seen lately.
    pub replays: Replays,
    /// Seals forms.
    pub keys: Arc<Keyring>,
    /// Names submissions that have no name.
    pub index: Arc<IndexKey>,
    /// The way to the line.
    pub ingest: Arc<dyn Ingest>,
    /// Counts what is accepted.
    pub count: Arc<dyn Count>,
    /// The way to the states.
    pub standings: Arc<dyn Standings>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Places for requests in hand.
    pub places: Arc<Semaphore>,
    /// How long a body may take.
    pub read_timeout: Duration,
    /// What status URLs start with; empty for relative ones.
    pub public_url: String,
    /// Set when the gateway stops: no longer ready, still finishing.
    pub stopping: AtomicBool,
}

impl App {
    /// A place among the requests in hand.
    ///
    /// # Errors
    /// [`Kind::Busy`].
    pub(crate) fn place(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        Arc::clone(&self.places).try_acquire_owned().map_err(|_| Kind::Busy.into())
    }

    /// The configured clinic of this name, if the source may act for it.
    ///
    /// # Errors
    /// [`Kind::UnknownClinic`] or [`Kind::ClinicNotAllowed`].
    pub(crate) fn clinic(&self, name: &str, source: &Source) -> Result<ClinicId, Refusal> {
        let clinic = ClinicId::parse(name).map_err(|_| Kind::UnknownClinic)?;
        if !self.clinics.contains(&clinic) {
            return Err(Kind::UnknownClinic.into());
        }
        if !source.clinics.covers(&clinic) {
            return Err(Kind::ClinicNotAllowed.into());
        }
        Ok(clinic)
    }

    /// The submission's correlation id. It follows from clinic and submission, so that every retry, through any
    /// gateway, before or after a restart, is told the same one; the key keeps it from being guessed.
    pub fn correlation(&self, clinic: &ClinicId, submission: &SubmissionId) -> CorrelationId {
        let index = self.index.index("correlation", &[clinic.as_str(), submission.as_str()]);
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&index.as_bytes()[..16]);
        CorrelationId::from_uuid(Builder::from_custom_bytes(bytes).into_uuid())
    }

    /// Where the sender can ask for the submission's state.
    pub(crate) fn status_url(&self, clinic: &ClinicId, submission: &SubmissionId) -> String {
        format!("{}/v1/submissions/{submission}?clinic={clinic}", self.public_url.trim_end_matches('/'))
    }

    /// Whether new submissions can be taken.
    pub(crate) fn ready(&self) -> bool {
        !self.stopping.load(Ordering::Relaxed) && self.ingest.ready()
    }
}
