//! `frontdesk migrate`.

use std::path::PathBuf;

use clap::Args;
use runtime::Settings;

use crate::{local::Layout, output};

/// Bring the database's schema up to date.
#[derive(Debug, Args)]
pub struct Migrate {
    #[command(flatten)]
    config: ConfigArgs,
}

/// The configuration that a command reads.
#[derive(Debug, Clone, Args)]
pub struct ConfigArgs {
    /// The services' configuration [default: that of the local run].
    #[arg(long, env = "FRONTDESK_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
}

impl ConfigArgs {
    /// Reads it.
    ///
    /// # Errors
    /// If it cannot be read; names the key.
    pub fn load(&self, layout: &Layout) -> anyhow::Result<Settings> {
        let path = self.config.clone().unwrap_or_else(|| layout.settings());
        Ok(Settings::load(&path)?)
    }
}

impl Migrate {
    /// Does it.
    ///
    /// # Errors
    /// If the database does not do it.
    pub async fn run(&self, layout: &Layout) -> anyhow::Result<()> {
        let settings = self.config.load(layout)?;
        ledger::migrate(&settings.section("postgres")?).await?;
        output::line("the schema is up to date");
        Ok(())
    }
}
