//! `frontdesk topology`.

use clap::{Args, Subcommand};
use runtime::topology::{Lanes, Management, Topology, permissions};

use super::migrate::ConfigArgs;
use crate::{local::Layout, output};

/// The broker's exchanges, queues, bindings and permissions: one value, derived from the lanes in the configuration.
#[derive(Debug, Args)]
pub struct TopologyCommand {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    config: ConfigArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show what the broker has not, or has otherwise.
    Plan,
    /// Make the broker's the same, if nothing is in the way.
    Apply,
    /// Write all of it as a definitions file, for a broker that reads one at its start.
    Definitions,
    /// Show what each service may do.
    Permissions,
}

impl TopologyCommand {
    /// Does it.
    ///
    /// # Errors
    /// If the configuration is wrong or the broker does not do it.
    pub async fn run(&self, layout: &Layout) -> anyhow::Result<()> {
        let settings = self.config.load(layout)?;
        let topology = Topology::derive(&Lanes::read(&settings)?);
        match self.command {
            Command::Plan => {
                output::result(&Management::from_settings(&settings)?.plan(&topology).await?.to_string())?;
            }
            Command::Apply => {
                output::result(&Management::from_settings(&settings)?.apply(&topology).await?.to_string())?;
            }
            Command::Definitions => {
                let management = Management::from_settings(&settings)?;
                let definitions = topology.definitions(management.vhost());
                output::result(&serde_json::to_string_pretty(&definitions)?)?;
            }
            Command::Permissions => {
                for permission in permissions() {
                    output::result(&permission.to_string())?;
                }
            }
        }
        Ok(())
    }
}
