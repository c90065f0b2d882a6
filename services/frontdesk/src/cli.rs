//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::{
    command::{
        acts, demo, dlq, down, health, holds, keys, manifests, migrate, outcomes, reconcile, recover,
        secrets, status, submit, switch, templates, test, topology, trace, up,
    },
    local::{Layout, backends::Given},
};

/// The command line of Frontdesk, and its local runner.
#[derive(Debug, Parser)]
#[command(name = "frontdesk", version, about, max_term_width = 100)]
pub struct Cli {
    /// Where the clinics' templates and the sample data are [default: the checkout around this folder].
    #[arg(long, global = true, env = "FRONTDESK_CHECKOUT", hide_env_values = true, value_name = "DIR")]
    checkout: Option<PathBuf>,
    /// The folder of a local run: its data, logs, configuration and credentials [default: .frontdesk in the checkout].
    #[arg(long, global = true, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start everything on this machine, and keep it running.
    Up(up::Up),
    /// Stop what `up` started.
    Down(down::Down),
    /// Start everything, send the sample submissions, show what came of them, and stop everything.
    Demo(demo::Demo),
    /// Send one submission to the gateway, signed as a scenario signs it.
    Submit(submit::Submit),
    /// What came of every submission.
    Outcomes(outcomes::Outcomes),
    // What they find, and by what, is told where they are.
    Trace(trace::Trace),
    Acts(acts::Acts),
    // What they do, and their exit codes, is told where they are.
    Status(status::Status),
    Pause(switch::Pause),
    Resume(switch::Resume),
    Dlq(dlq::Dlq),
    Holds(holds::Holds),
    Reconcile(reconcile::Reconcile),
    /// The clinics' templates.
    Templates(templates::Templates),
    /// The broker's exchanges, queues, bindings and permissions.
    Topology(topology::TopologyCommand),
    // What they show, and why a new key does not seal at once, is told where they are.
    Keys(keys::KeysCommand),
    /// Bring the database's schema up to date.
    Migrate(migrate::Migrate),
    // What it does, and why it does no harm, is told where it is.
    Recover(recover::Recover),
    // What they are for is told where they are.
    Health(health::Health),
    Secrets(secrets::SecretsCommand),
    Manifests(manifests::Manifests),
    /// Run every check and test, over a real broker and database.
    Test(test::Test),
    /// Stop what a killed runner leaves behind.
    #[command(hide = true)]
    Guard,
}

/// Servers to be used instead of private ones.
#[derive(Debug, Clone, Args)]
pub struct GivenArgs {
    /// A broker that runs already; a virtual host of our own is made on it.
    #[arg(long, env = "AMQP_URL", hide_env_values = true, value_name = "URL")]
    amqp_url: Option<String>,
    /// Its management API, as an administrator [default: the same host and user, port 15672].
    #[arg(long, env = "AMQP_MANAGEMENT_URL", hide_env_values = true, value_name = "URL")]
    amqp_management_url: Option<String>,
    /// A database server that runs already; a database of our own is made on it.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    database_url: Option<String>,
}

impl GivenArgs {
    /// What is given.
    pub fn given(&self) -> Given {
        let present = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let broker = present(&self.amqp_url).map(|amqp| {
            let management = present(&self.amqp_management_url).unwrap_or_else(|| usual_management(&amqp));
            (amqp, management)
        });
        Given { broker, database: present(&self.database_url) }
    }
}

/// Where a broker's management API usually is. A URL that cannot be read is told by whoever connects to it.
fn usual_management(amqp: &str) -> String {
    let Ok(mut url) = reqwest::Url::parse(&amqp.replacen("amqp", "http", 1)) else { return amqp.to_owned() };
    let _ = url.set_port(Some(if url.scheme() == "https" { 15671 } else { 15672 }));
    url.set_path("");
    url.to_string()
}

impl Cli {
    /// Does what it says.
    ///
    /// # Errors
    /// The command's, for a person to read.
    pub async fn run(self) -> anyhow::Result<()> {
        let layout = || Layout::find(self.checkout.as_deref(), self.dir.as_deref());
        // Whoever operates a line elsewhere has no checkout, nor has an image.
        let here = || Layout::find_or_here(self.checkout.as_deref(), self.dir.as_deref());
        match self.command {
            Command::Up(up) => up.run(&layout()?).await,
            Command::Down(down) => down.run(&layout()?).await,
            Command::Demo(demo) => demo.run(&layout()?).await,
            Command::Submit(submit) => submit.run(&here()?).await,
            Command::Outcomes(outcomes) => outcomes.run(&here()?).await,
            Command::Trace(trace) => trace.run(&here()?).await,
            Command::Acts(acts) => acts.run(&here()?).await,
            Command::Status(status) => status.run(&here()?).await,
            Command::Pause(pause) => pause.run(&here()?).await,
            Command::Resume(resume) => resume.run(&here()?).await,
            Command::Dlq(dlq) => dlq.run(&here()?).await,
            Command::Holds(holds) => holds.run(&here()?).await,
            Command::Reconcile(reconcile) => reconcile.run(&here()?).await,
            Command::Templates(templates) => templates.run(&layout()?),
            Command::Topology(topology) => topology.run(&here()?).await,
            Command::Keys(keys) => keys.run(&here()?).await,
            Command::Migrate(migrate) => migrate.run(&here()?).await,
            Command::Recover(recover) => recover.run(&layout()?).await,
            Command::Health(health) => health.run().await,
            Command::Secrets(secrets) => secrets.run(),
            Command::Manifests(manifests) => manifests.run(),
            Command::Test(test) => test.run(&layout()?).await,
            Command::Guard => crate::local::guard::watch(&layout()?).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Cli, usual_management};
    use clap::CommandFactory as _;

    #[test]
    fn is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_management_api_is_where_it_usually_is() {
        assert_eq!(
            usual_management("amqp://u:p@broker.example:5672/%2f"),
            "http://u:p@broker.example:15672/"
        );
        assert_eq!(usual_management("amqps://u:p@broker.example/main"), "https://u:p@broker.example:15671/");
    }
}
