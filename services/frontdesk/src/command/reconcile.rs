//! `frontdesk reconcile`.

mod sent;
mod told;

use std::path::PathBuf;

use clap::Args;
use domain::ClinicId;
use jiff::civil::Date;
use serde_json::Value;

use super::how::How;
use crate::{
    exit::Differs,
    local::Layout,
    ops::reconciliations::{Redriven, Run},
    output::Doing,
};

/// Hold one day's counts against each other: what the senders say, the journal, the ledger, and the EHR's own contents. Every difference
/// is one row, with what to do about it.
///
/// The day is each clinic's own, by its time zone. What is still open (on its way past the SLA, held, dead, in doubt) is told of whatever
/// was received until the end of that day. Nothing is written to an EHR, and nothing that is shown is PHI. The result is kept.
#[derive(Debug, Args)]
#[command(
    after_help = "The file of --sent is CSV with the header date,clinic,source,sent: how many different submissions each sender had accepted, \
    such as 2026-11-22,clinic-01,web_form,41. Lines of other days are passed over.\n\n\
    Exit codes:\n  0  nothing is different, and everything was compared\n  1  the ops API, or the file\n  2  the command line\n  \
    3  there are differences (also if --repair published some of them again), or something could not be compared"
)]
pub struct Reconcile {
    /// The day, such as 2026-11-22.
    #[arg(long, value_name = "DAY")]
    date: Date,
    /// Only this clinic's.
    #[arg(long, value_name = "ID")]
    clinic: Option<ClinicId>,
    /// A file with what the senders say that they sent.
    #[arg(long, value_name = "FILE")]
    sent: Option<PathBuf>,
    /// Publish again what is on its way past the SLA and whose message is in no queue. Everything else is left for a person. In the JSON what was
    /// done is the member `repair`.
    #[arg(long, requires = "reason")]
    repair: bool,
    /// Why it is published again. Do not write a patient's data into it.
    #[arg(long, value_name = "TEXT", requires = "repair")]
    reason: Option<String>,
    #[command(flatten)]
    how: How,
}

impl Reconcile {
    /// Does it.
    ///
    /// # Errors
    /// [`Differs`] if something is different or was not compared; else nothing was compared.
    pub async fn run(&self, layout: &Layout) -> anyhow::Result<()> {
        let sent = match &self.sent {
            Some(file) => sent::read(file, self.date)?,
            None => Vec::new(),
        };
        let ops = self.how.api.connect(layout)?;
        let doing = Doing::begin("comparing");
        let mut value = ops.compare(self.date, self.clinic.as_ref().map(ClinicId::as_str), &sent).await?;
        let run: Run = serde_json::from_value(value.clone())?;
        doing.done(&format!("compared {} clinics", run.compared.len()));
        let mut repaired = None;
        if let Some(reason) = self.reason.as_deref().filter(|_| self.repair) {
            let done: Value = ops.redrive(&run.id, reason).await?;
            repaired = Some(serde_json::from_value::<Redriven>(done.clone())?);
            value["repair"] = done;
        }
        self.how.print(&value, || Ok(told::text(&run, repaired.as_ref())))?;
        match (run.differences.len(), run.gaps.len()) {
            (0, 0) => Ok(()),
            (0, gaps) => {
                Err(Differs(format!("nothing is different, but {gaps} could not be compared")).into())
            }
            (differences, _) => Err(Differs(format!("differences: {differences}")).into()),
        }
    }
}
