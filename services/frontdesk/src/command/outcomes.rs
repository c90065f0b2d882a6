//! `frontdesk outcomes`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::{
    local::Layout,
    ops::{Ops, Outcome},
    output,
};

/// What came of every submission: one row for each admission, and for each refused conflicting copy.
#[derive(Debug, Args)]
pub struct Outcomes {
    /// How it is written.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    #[command(flatten)]
    api: ApiArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Table,
    /// One JSON object a line.
    Jsonl,
}

/// Which ops API is asked.
#[derive(Debug, Clone, Args)]
pub struct ApiArgs {
    /// The ops API [default: that of the local run].
    #[arg(
        long,
        env = "FRONTDESK_OPS_URL",
        hide_env_values = true,
        value_name = "URL",
        requires = "token_file"
    )]
    url: Option<String>,
    /// The file with the token for it.
    #[arg(long, env = "FRONTDESK_OPS_TOKEN_FILE", hide_env_values = true, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

impl ApiArgs {
    /// A client of it.
    ///
    /// # Errors
    /// If nothing runs here, or the token cannot be read.
    pub fn connect(&self, layout: &Layout) -> anyhow::Result<Ops> {
        match (&self.url, &self.token_file) {
            (Some(url), Some(file)) => Ops::new(url, file),
            _ => Ops::local(layout),
        }
    }
}

impl Outcomes {
    /// Prints them.
    ///
    /// # Errors
    /// If the API does not answer.
    pub async fn run(&self, layout: &Layout) -> anyhow::Result<()> {
        let ops = self.api.connect(layout)?;
        match self.format {
            Format::Jsonl => output::result(&ops.outcomes_text().await?)?,
            Format::Table => output::result(&output::text(table(&ops.outcomes().await?)))?,
        }
        Ok(())
    }
}

fn table(outcomes: &[Outcome]) -> comfy_table::Table {
    let mut table = output::wide_table();
    table.set_header([
        "submission",
        "clinic",
        "state",
        "why",
        "patient",
        "appointment",
        "eligibility",
        "notified",
    ]);
    for one in outcomes {
        table.add_row([
            one.submission_id.clone(),
            one.clinic_id.clone(),
            one.state.clone(),
            [one.code.clone(), one.field.clone()].into_iter().flatten().collect::<Vec<_>>().join(" "),
            one.patient.clone().unwrap_or_default(),
            one.appointment.clone().unwrap_or_default(),
            one.eligibility.clone().unwrap_or_default(),
            one.notified.clone().unwrap_or_default().join(" "),
        ]);
    }
    table
}
