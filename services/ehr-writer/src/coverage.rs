//! The coverage: created once for each person and membership, then reused.

use adapters::ehr::{CoverageWrite, Search, Wanted, WriteOutcome};
use domain::{effect::Resource, intake::Coverage};
use ledger::{BeginEffect, Target, Ticket};

use crate::{
    drive::{Effect, Grant},
    stop::Stop,
    task::Task,
};

struct CoverageEffect<'t> {
    task: &'t Task<'t>,
    target: Target,
    write: CoverageWrite,
}

impl Task<'_> {
    /// The coverage in the EHR, if one was stated and the EHR takes it.
    pub(crate) async fn coverage(&self, patient: &Resource) -> Result<Option<Resource>, Stop> {
        let Some(coverage) = &self.intake.coverage else { return Ok(None) };
        if !self.profile().can_write_coverage {
            return Ok(None);
        }
        let target = Target::Coverage { key: self.membership(coverage) };
        let write = CoverageWrite {
            identifier: self.identity(target).to_hex(),
            patient_id: patient.id.clone(),
            coverage: coverage.clone(),
            begin: self.eligibility.plan_begin,
            end: self.eligibility.plan_end,
        };
        self.drive(&CoverageEffect { task: self, target, write }).await
    }

    fn membership(&self, coverage: &Coverage) -> domain::blind::BlindIndex {
        self.index.index("membership", &[&coverage.payer.to_lowercase(), &coverage.member_id])
    }
}

impl Effect for CoverageEffect<'_> {
    fn wish(&self) -> BeginEffect {
        self.task.effect(self.target)
    }

    async fn write(&self, grant: &Grant) -> Result<WriteOutcome, Stop> {
        self.task.send(grant, self.task.ehr.create_coverage(&self.write)).await
    }

    async fn search(&self, _ticket: &Ticket) -> Search {
        self.task.ehr.find(Wanted::Coverage(&self.write)).await
    }
}
