//! The validation service.

use std::{process::ExitCode, sync::Arc};

use domain::matching::person::Matcher;
use ledger::Store;
use runtime::run_stage;
use validation::Validation;

fn main() -> ExitCode {
    runtime::main("validation", |boot| async move {
        let clinics = Arc::new(runtime::clinics::load(boot.settings())?);
        let store = Store::connect(&boot.settings().section("postgres")?, boot.clock()).await?;
        let matcher = Arc::new(Matcher::bundled()?);
        let handler = Validation::new(
            Arc::clone(&clinics),
            matcher,
            Arc::new(boot.index_key()?),
            boot.keys()?,
            store.clone(),
        );
        run_stage(&boot, handler, Arc::new(store.clone()), Arc::new(store), clinics).await?;
        Ok(())
    })
}
