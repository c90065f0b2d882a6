//! `frontdesk migrate`.

use std::{
    collections::BTreeMap,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use anyhow::bail;
use clap::Args;
use ledger::grants::{self, GRANTS, PREFIX, Permitted};
use runtime::Settings;

use crate::{local::Layout, output};

/// Bring the database's schema up to date, and let each service's role do what the service needs.
///
/// To be run as the schema's owner. The roles are `frontdesk_gateway`, `frontdesk_validation` and so on; those that are not there are told.
#[derive(Debug, Args)]
pub struct Migrate {
    /// A folder with the password of each role in a file of the role's name: those roles are made, or get this password.
    #[arg(long, value_name = "DIR")]
    roles: Option<PathBuf>,
    /// Take from the roles what this version does not need. Only when no process of an older version runs any more.
    #[arg(long)]
    revoke: bool,
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
        let config = settings.section("postgres")?;
        ledger::migrate(&config).await?;
        output::line("the schema is up to date");
        if let Some(folder) = &self.roles {
            grants::make_roles(&config, PREFIX, &passwords(folder)?).await?;
        }
        let Permitted { granted, missing } = grants::permit(&config, PREFIX, self.revoke).await?;
        if !granted.is_empty() {
            output::line(&format!("may do what their services need: {}", granted.join(", ")));
        }
        if !missing.is_empty() {
            output::line(&format!(
                "not there: {}: make them with --roles, or by hand, and run this again",
                missing.join(", ")
            ));
        }
        Ok(())
    }
}

/// Service → password, of those that have a file.
fn passwords(folder: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let mut passwords = BTreeMap::new();
    for service in GRANTS.iter().map(|grants| grants.service) {
        let file = folder.join(grants::role(PREFIX, service));
        match std::fs::read_to_string(&file) {
            Ok(password) if password.trim().is_empty() => bail!("{} is empty", file.display()),
            Ok(password) => drop(passwords.insert(service.to_owned(), password.trim().to_owned())),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => bail!("{} cannot be read: {error}", file.display()),
        }
    }
    if passwords.is_empty() {
        bail!("no role has a file in {}", folder.display());
    }
    Ok(passwords)
}
