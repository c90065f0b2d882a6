//! The notification service.

use std::{process::ExitCode, sync::Arc};

use adapters::messenger::{SmsConfig, SmtpConfig};
use anyhow::bail;
use ledger::Store;
use notification::Notification;
use runtime::{ConfigError, run_stage};

fn main() -> ExitCode {
    runtime::main("notification", |boot| async move {
        let settings = boot.settings();
        let clinics = Arc::new(runtime::clinics::load(settings)?);
        let mut messengers = Vec::new();
        if settings.has("smtp") {
            messengers.push(settings.section::<SmtpConfig>("smtp")?.connect(boot.clock())?);
        }
        if settings.has("sms") {
            messengers.push(settings.section::<SmsConfig>("sms")?.connect(boot.clock())?);
        }
        if messengers.is_empty() {
            bail!(ConfigError::key("smtp", "missing, and so is `sms`: no patient could be told anything"));
        }
        let store = Store::connect(&settings.section("postgres")?, boot.clock()).await?;
        let (config, index) = (settings.section("notification")?, Arc::new(boot.index_key()?));
        let handler =
            Notification::new(config, Arc::clone(&clinics), messengers, store.clone(), index, boot.clock());
        run_stage(&boot, handler, Arc::new(store.clone()), Arc::new(store), clinics).await?;
        Ok(())
    })
}
