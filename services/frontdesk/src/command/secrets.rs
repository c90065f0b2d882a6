//! `frontdesk secrets`.

use std::path::PathBuf;

use clap::Args;

use crate::{containers, output};

/// Make the credentials and keys of a line in containers on one host, at random, each in a file: what docker-compose.yml runs first. What
/// is there already stays.
#[derive(Debug, Args)]
pub struct SecretsCommand {
    /// The folder that gets them: in services/ those of our own processes, in broker/ and database/ what those two are started with.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Where the broker's AMQP is, with its virtual host.
    #[arg(long, value_name = "URL", default_value = "amqp://broker:5672/frontdesk")]
    amqp: reqwest::Url,
    /// Where its management API is.
    #[arg(long, value_name = "URL", default_value = "http://broker:15672")]
    management: reqwest::Url,
    /// Where the database is.
    #[arg(long, value_name = "URL", default_value = "postgres://database:5432/frontdesk?sslmode=disable")]
    database: reqwest::Url,
}

impl SecretsCommand {
    /// Makes them.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn run(&self) -> anyhow::Result<()> {
        let Self { folder, amqp, management, database } = self;
        containers::Hosts { amqp, management, database }.write(folder)?;
        output::line(&format!("the credentials are in {}", folder.display()));
        Ok(())
    }
}
