//! The patient: created once for each person, then updated in the order of admission.

use adapters::ehr::{ETag, PatientWrite, Search, Wanted, WriteOutcome};
use domain::{Code, effect::Resource};
use ledger::{BeginEffect, Target, Ticket, effects::Role};

use crate::{
    drive::{Effect, Grant, TURN},
    existing::{self, Existing},
    stop::Stop,
    task::Task,
};

struct PatientEffect<'t> {
    task: &'t Task<'t>,
    write: PatientWrite,
}

impl Task<'_> {
    /// The patient in the EHR, as this submission states them.
    pub(crate) async fn patient(&self) -> Result<Resource, Stop> {
        let write = PatientWrite {
            identifier: self.identity(Target::Patient).to_hex(),
            patient: self.intake.patient.clone(),
            guardian: self.intake.guardian.clone(),
            language: self.intake.communication.language.clone(),
        };
        let effect = PatientEffect { task: self, write };
        let there = async {
            // A patient is never given back, so that there is always something to do.
            let patient = self.drive(&effect).await?.ok_or_else(Stop::store)?;
            if patient.version.is_none() {
                existing::confirm(self, &patient.id).await?;
            }
            Ok(patient)
        };
        match there.await {
            Err(Stop::Mistaken(id)) => Err(self.mistaken(&id).await),
            other => other,
        }
    }

    /// Nothing is written on somebody else's record: a person is asked again who it is.
    async fn mistaken(&self, id: &str) -> Stop {
        match self.store.refute(&self.effect(Target::Patient), id).await {
            Ok(true) => Stop::Hold(Code::EhrConflict),
            // It is known already: what to do is learnt by asking anew.
            Ok(false) => Stop::Snooze(TURN),
            Err(_) => Stop::store(),
        }
    }
}

impl Effect for PatientEffect<'_> {
    fn wish(&self) -> BeginEffect {
        self.task.effect(Target::Patient)
    }

    async fn write(&self, grant: &Grant) -> Result<WriteOutcome, Stop> {
        match (grant.role, &grant.resource) {
            (Role::Update, Some(known)) => self.update(grant, known).await,
            _ => self.create(grant).await,
        }
    }

    async fn search(&self, _ticket: &Ticket) -> Search {
        self.task.ehr.find(Wanted::Patient(&self.write)).await
    }
}

impl PatientEffect<'_> {
    async fn update(&self, grant: &Grant, known: &Resource) -> Result<WriteOutcome, Stop> {
        let version = match known.version.as_deref() {
            Some(version) => Some(ETag::new(version)),
            // Nobody but a person has said that this is the patient.
            None => existing::confirm(self.task, &known.id).await?,
        };
        if !self.task.profile().can_update_patient {
            return Ok(WriteOutcome::Done { id: known.id.clone(), version });
        }
        let request = self.task.ehr.update_patient(&known.id, version.as_ref(), &self.write);
        self.task.send(grant, request).await
    }

    async fn create(&self, grant: &Grant) -> Result<WriteOutcome, Stop> {
        match existing::find(self.task).await? {
            Existing::No => self.task.send(grant, self.task.ehr.create_patient(&self.write)).await,
            Existing::Yes { id, version } => Ok(WriteOutcome::Done { id, version }),
        }
    }
}
