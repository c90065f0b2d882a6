//! The eligibility service.

use std::{process::ExitCode, sync::Arc};

use adapters::payer::PayerDirectory;
use anyhow::bail;
use eligibility::{EligibilityCheck, Parts};
use ledger::Store;
use runtime::{ConfigError, run_stage};

fn main() -> ExitCode {
    runtime::main("eligibility", |boot| async move {
        let settings = boot.settings();
        let store = Store::connect(&settings.section("postgres")?, boot.clock()).await?;
        let clinics = Arc::new(runtime::clinics::load(settings)?);
        let payers = PayerDirectory::connect(&settings.section("payers")?, &boot.clock())?;
        if let Some(clinic) = clinics.iter().find(|clinic| !payers.speaks(clinic.payer_protocol)) {
            let reason = format!("no entry has the protocol by which {} asks", clinic.id);
            bail!(ConfigError::key("payers", reason));
        }
        let stage = EligibilityCheck::new(Parts {
            clinics: Arc::clone(&clinics),
            payers,
            store: store.clone(),
            keys: boot.keys()?,
            index: Arc::new(boot.index_key()?),
            clock: boot.clock(),
            config: settings.section("eligibility")?,
        });
        let rechecks = stage.clone();
        let stop = boot.shutdown().soft().clone();
        tokio::spawn(async move { rechecks.recheck_until(stop).await });
        run_stage(&boot, stage, Arc::new(store.clone()), Arc::new(store), clinics).await?;
        Ok(())
    })
}
