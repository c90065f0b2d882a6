//! The third stage: patient, coverage and appointment in the clinic's EHR, each written once.
//!
//! [`drive`] is the only place that writes, and only under the ledger's permission; [`patient`], [`coverage`] and
//! [`booking`] say what is written and how it is looked for when the outcome is unknown; [`existing`] finds the patient
//! whom the clinic already has.

mod booking;
mod coverage;
mod drive;
mod existing;
mod patient;
mod stop;
mod task;

use std::sync::Arc;

use domain::{
    Code, Endpoint, Fault, Outcome, Phi, Stage,
    blind::IndexKey,
    clock::Clock,
    drill::{self, Protection},
    envelope::Message,
    matching::person::Matcher,
    messages::{Checked, Written},
    template::Clinics,
};
use jiff::Timestamp;
use ledger::Store;
use runtime::{Context, Handler};
use tokio::sync::OnceCell;

pub use adapters::ehr::EhrDirectory;

use booking::Booked;
use stop::Stop;
use task::Task;

/// The stage.
pub struct EhrWriter {
    clinics: Arc<Clinics>,
    ehrs: EhrDirectory,
    store: Store,
    matcher: Arc<Matcher>,
    index: Arc<IndexKey>,
    clock: Arc<dyn Clock>,
}

impl EhrWriter {
    /// What the stage works with.
    pub fn new(
        clinics: Arc<Clinics>,
        ehrs: EhrDirectory,
        store: Store,
        matcher: Arc<Matcher>,
        index: Arc<IndexKey>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { clinics, ehrs, store, matcher, index, clock }
    }
}

impl Handler for EhrWriter {
    const STAGE: Stage = Stage::EhrWriter;
    type Input = Message<Checked>;
    type Output = Written;

    fn endpoints(&self, input: &Message<Checked>) -> Vec<Endpoint> {
        self.clinics.get(&input.meta.clinic).map(|clinic| Endpoint::ehr(&clinic.ehr)).into_iter().collect()
    }

    async fn handle(
        &self,
        input: Message<Checked>,
        cx: &Context,
    ) -> Result<Outcome<Message<Written>>, Fault> {
        let Message { mut meta, secret } = input;
        let Checked { mut intake, eligibility } = secret.into_exposed();
        let (Some(admission), Some(person)) = (meta.admission, meta.person) else {
            return Err(Fault::permanent(Code::Malformed));
        };
        let misconfigured = || Fault::permanent(Code::Misconfigured);
        let clinic = self.clinics.get(&meta.clinic).ok_or_else(misconfigured)?;
        let ehr = self.ehrs.get(&clinic.ehr).ok_or_else(misconfigured)?;
        let task = Task {
            ehr: ehr.as_ref(),
            endpoint: Endpoint::ehr(&clinic.ehr),
            store: &self.store,
            index: &self.index,
            matcher: &self.matcher,
            clock: &self.clock,
            clinic,
            intake: &intake,
            eligibility: &eligibility,
            admission,
            person,
            cx,
            decided: OnceCell::new(),
        };
        match task.run().await {
            Ok(done) => {
                let Done { patient, coverage, appointment, start, minutes } = done;
                // A person may have moved the visit: the patient is told of the new time.
                intake.appointment.start = start;
                meta.appointment_at = Some(start);
                let written = Written { intake, patient, coverage, appointment, minutes };
                Ok(Outcome::Emit(Message { meta, secret: Phi::new(written) }))
            }
            Err(stop) => stop.into_result(),
        }
    }
}

/// The EHR's ids of what is there now.
struct Done {
    patient: String,
    coverage: Option<String>,
    appointment: String,
    start: Timestamp,
    minutes: u16,
}

impl Task<'_> {
    /// The way of one submission into the EHR. Each step is found done when the whole is repeated.
    async fn run(&self) -> Result<Done, Stop> {
        // What people have ended does not go on, whichever message of it comes late: nothing is written. Who drills writing first asks later.
        if !drill::lacks(Protection::IntentBeforeWrite) {
            self.decisions().await?;
        }
        let patient = self.patient().await?;
        self.cx.record(|facts| facts.patient = Some(patient.id.clone()));
        let coverage = self.coverage(&patient).await?.map(|coverage| coverage.id);
        let Booked { appointment, start, minutes } = self.book(&patient).await?;
        self.cx.record(|facts| facts.appointment = Some(appointment.clone()));
        Ok(Done { patient: patient.id, coverage, appointment, start, minutes })
    }
}
