//! What the programs of this crate have in common: where they run, what they are drawn from, which line they start, and how they end.

use std::{collections::BTreeMap, path::PathBuf, process::ExitCode};

use anyhow::ensure;
use clap::Args;
use frontdesk::{
    local::{Dress, Layout, Options, backends::Given},
    output,
};

/// Where a program runs, and what it is drawn from.
#[derive(Debug, Args)]
pub struct Place {
    /// Where the clinics' templates and the sample data are [default: the checkout around this folder].
    #[arg(long, value_name = "DIR")]
    checkout: Option<PathBuf>,
    /// The folder of the run [default: one with the program's name, in .frontdesk in the checkout].
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// What everything is drawn from: the same seed makes the same people, submissions and faults [default: a new one].
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

impl Place {
    /// The run's folder and its seed, which is told.
    ///
    /// # Errors
    /// If there is no checkout.
    pub fn enter(&self, program: &str) -> anyhow::Result<(Layout, u64)> {
        let layout = Layout::find(self.checkout.as_deref(), self.dir.as_deref())?;
        let layout = if self.dir.is_some() { layout } else { layout.below(program) };
        let seed = self.seed.unwrap_or_else(rand::random);
        output::line(&format!("seed {seed}"));
        Ok((layout, seed))
    }

    /// The same, for a program that drills.
    ///
    /// # Errors
    /// As [`Place::enter`], and if this is a release, which has no drills.
    pub fn drill(&self, program: &str) -> anyhow::Result<(Layout, u64)> {
        ensure!(cfg!(debug_assertions), "a release has no drills: run ./dev {program}");
        self.enter(program)
    }
}

/// A line with nothing of an earlier run, on a broker and a database of its own, with the sandbox outside.
pub fn own_line(layout: &Layout) -> Options {
    Options {
        samples: layout.samples(),
        ehr: None,
        profile: "fhir".to_owned(),
        lanes: 2,
        port_base: None,
        fresh: true,
        given: Given::default(),
        tls: false,
        extra: toml::Table::new(),
        replicas: BTreeMap::new(),
        dress: Dress::default(),
    }
}

/// Runs a program to its exit code: 0, or 1 with the reason.
#[allow(clippy::print_stderr, reason = "the last words of a program, for a person")]
pub async fn main(program: &str, run: impl Future<Output = anyhow::Result<()>>) -> ExitCode {
    output::begin();
    match run.await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{program}: {error:#}");
            ExitCode::FAILURE
        }
    }
}
