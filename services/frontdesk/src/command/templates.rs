//! `frontdesk templates`.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use domain::template::check;

use crate::{local::Layout, output};

/// The clinics' templates.
#[derive(Debug, Args)]
pub struct Templates {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Compile all templates and run every clinic's examples.
    Check {
        /// The templates' folder [default: clinics in the checkout].
        #[arg(value_name = "DIR")]
        clinics: Option<PathBuf>,
    },
}

impl Templates {
    /// Does it.
    ///
    /// # Errors
    /// If a template or an example is wrong.
    pub fn run(&self, layout: &Layout) -> anyhow::Result<()> {
        let Command::Check { clinics } = &self.command;
        let folder = clinics.clone().unwrap_or_else(|| layout.clinics());
        let mut files = BTreeMap::new();
        collect(&folder, &folder, &mut files)?;
        let report = check::run(&files);
        for failure in &report.failures {
            output::result(&failure.to_string())?;
        }
        if !report.passed() {
            bail!("{} of the clinics' templates and examples are wrong", report.failures.len());
        }
        output::result(&format!(
            "{} clinics, {} examples: all as expected",
            report.clinics, report.examples
        ))?;
        Ok(())
    }
}

/// Every file that is part of a template, by its path in the folder.
fn collect(base: &Path, folder: &Path, files: &mut BTreeMap<String, String>) -> anyhow::Result<()> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            collect(base, &path, files)?;
        } else if path.extension().is_some_and(|kind| kind == "toml" || kind == "json") {
            let text =
                std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            let name = path.strip_prefix(base).unwrap_or(&path).to_string_lossy().into_owned();
            files.insert(name, text);
        }
    }
    Ok(())
}
