//! The EHR-writer service.

use std::{process::ExitCode, sync::Arc};

use anyhow::bail;
use domain::matching::person::Matcher;
use ehr_writer::{EhrDirectory, EhrWriter};
use ledger::Store;
use runtime::{ConfigError, run_stage};

fn main() -> ExitCode {
    runtime::main("ehr-writer", |boot| async move {
        let settings = boot.settings();
        let clinics = Arc::new(runtime::clinics::load(settings)?);
        let ehrs = EhrDirectory::connect(&settings.section("ehrs")?, &boot.clock())?;
        if let Some(clinic) = clinics.iter().find(|clinic| ehrs.get(&clinic.ehr).is_none()) {
            let reason = format!("missing; the template of {} names it", clinic.id);
            bail!(ConfigError::key(format!("ehrs.{}", clinic.ehr), reason));
        }
        let store = Store::connect(&settings.section("postgres")?, boot.clock()).await?;
        let (matcher, index) = (Arc::new(Matcher::bundled()?), Arc::new(boot.index_key()?));
        let handler = EhrWriter::new(Arc::clone(&clinics), ehrs, store.clone(), matcher, index, boot.clock());
        run_stage(&boot, handler, Arc::new(store.clone()), Arc::new(store), clinics).await?;
        Ok(())
    })
}
