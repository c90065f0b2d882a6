//! How what the ops API answers is written, and which API is asked.

use clap::{Args, ValueEnum};
use serde_json::Value;

use super::outcomes::ApiArgs;
use crate::output;

/// How it is written, and who is asked.
#[derive(Debug, Args)]
pub(super) struct How {
    /// How it is written.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(super) format: Format,
    #[command(flatten)]
    pub(super) api: ApiArgs,
}

/// How what a command tells is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    Table,
    /// For programs; what the ops API answers, as it writes it.
    Json,
}

impl How {
    /// Prints it.
    ///
    /// # Errors
    /// If it cannot be printed, or the text cannot be made.
    pub(super) fn print(
        &self,
        value: &Value,
        text: impl FnOnce() -> anyhow::Result<String>,
    ) -> anyhow::Result<()> {
        match self.format {
            Format::Json => output::result(&serde_json::to_string_pretty(value)?)?,
            // That there is nothing is told by how the command ends.
            Format::Table if value.as_array().is_some_and(Vec::is_empty) => {}
            Format::Table => output::result(&text()?)?,
        }
        Ok(())
    }
}
