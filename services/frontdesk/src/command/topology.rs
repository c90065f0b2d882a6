//! `frontdesk topology`.

use anyhow::bail;
use clap::{Args, Subcommand};
use runtime::topology::{Lanes, Management, ManagementError, Plan, Standing, Topology, permissions};

use super::{how::Format, migrate::ConfigArgs};
use crate::{
    exit::{Differs, Partly, StoppedByGuard},
    local::Layout,
    output,
};

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
    /// Show what the broker has not, or has otherwise, or has too much. Exit code 3 if there is a difference, 5 if something is in the way.
    Plan(How),
    /// Make the broker's the same, while messages flow, if nothing is in the way. Exit code 3 if something is left over that is not empty
    /// yet, 5 if something is in the way.
    Apply(How),
    /// Write all of it as a definitions file, for a broker that reads one at its start.
    Definitions,
    /// Show what each service may do on the broker.
    Permissions,
}

#[derive(Debug, Clone, Copy, Args)]
struct How {
    /// How it is written.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

impl How {
    fn print(self, plan: &Plan) -> anyhow::Result<()> {
        match self.format {
            Format::Json => output::result(&serde_json::to_string_pretty(plan)?)?,
            Format::Table => output::result(&plan.to_string())?,
        }
        Ok(())
    }
}

impl TopologyCommand {
    /// Does it.
    ///
    /// # Errors
    /// If the configuration is wrong or the broker does not do it, and by its exit code how it stands.
    pub async fn run(&self, layout: &Layout) -> anyhow::Result<()> {
        let settings = self.config.load(layout)?;
        let topology = Topology::derive(&Lanes::read(&settings)?);
        match &self.command {
            Command::Plan(how) => {
                let plan = Management::from_settings(&settings)?.plan(&topology).await?;
                how.print(&plan)?;
                match plan.standing() {
                    Standing::Same => Ok(()),
                    Standing::Differs => {
                        bail!(Differs("the broker differs: `frontdesk topology apply` changes it".to_owned()))
                    }
                    Standing::Waits => bail!(Differs("what is left over is not empty yet".to_owned())),
                    Standing::InTheWay => bail!(in_the_way()),
                }
            }
            Command::Apply(how) => {
                let management = Management::from_settings(&settings)?;
                let plan = match management.apply(&topology).await {
                    Err(ManagementError::Conflict(_)) => {
                        how.print(&management.plan(&topology).await?)?;
                        bail!(in_the_way());
                    }
                    done => done?,
                };
                how.print(&plan)?;
                match plan.kept().count() {
                    0 => Ok(()),
                    left => {
                        bail!(Partly(format!("{left} queues of lanes that are no more are not empty yet")))
                    }
                }
            }
            Command::Definitions => {
                let management = Management::from_settings(&settings)?;
                let definitions = topology.definitions(management.vhost());
                Ok(output::result(&serde_json::to_string_pretty(&definitions)?)?)
            }
            Command::Permissions => {
                Ok(permissions().iter().try_for_each(|permission| output::result(&permission.to_string()))?)
            }
        }
    }
}

fn in_the_way() -> StoppedByGuard {
    StoppedByGuard(
        "nothing was changed: what stands after ! is otherwise than it must be; empty it, delete it, and run this again"
            .to_owned(),
    )
}
