//! `frontdesk up`.

use std::{collections::BTreeMap, path::PathBuf, process::Stdio, time::Duration};

use anyhow::{Context as _, bail};
use clap::Args;
use testkit::{process::ProcessId, wait};

use crate::{
    cli::GivenArgs,
    local::{
        Dress, Layout, Options, Stack,
        records::Runner,
        run::{Interrupted, run},
        settings::{EhrAccess, EhrClient},
    },
    output::{self, Doing},
};

/// Start everything on this machine, and keep it running: what dies is started again.
#[derive(Debug, Args)]
pub struct Up {
    #[command(flatten)]
    stack: StackArgs,
    /// Return once everything is up; `frontdesk down` stops it.
    #[arg(long)]
    detach: bool,
    /// Keep the broker's and the database's data of the last run. The sandbox's EHR begins empty all the same.
    #[arg(long)]
    keep_data: bool,
    /// Let services, broker, database and both APIs speak TLS with each other, by an authority that is made for this run. Not the sandbox.
    #[arg(long)]
    tls: bool,
}

/// What is common to `up` and `demo`.
#[derive(Debug, Clone, Args)]
pub struct StackArgs {
    /// A folder with submissions.jsonl, clinics.json, members.csv and slots.csv [default: tests/samples].
    #[arg(long, value_name = "DIR")]
    pub samples: Option<PathBuf>,
    /// Write to this FHIR R4 server instead of the sandbox's.
    #[arg(long, value_name = "URL")]
    ehr: Option<String>,
    /// What that server can do: fhir, fhir-unconditional (no `If-None-Exist`), or fhir-no-booking.
    #[arg(long, value_name = "NAME", default_value = "fhir")]
    ehr_profile: String,
    /// Where that server gives out tokens; without it, none is sent.
    #[arg(long, value_name = "URL", requires_all = ["ehr", "ehr_client_id", "ehr_key_file", "ehr_key_id"])]
    ehr_token_url: Option<String>,
    /// Our client there.
    #[arg(long, value_name = "ID")]
    ehr_client_id: Option<String>,
    /// Our private key there (PEM, PKCS#8).
    #[arg(long, value_name = "FILE")]
    ehr_key_file: Option<PathBuf>,
    /// The id of our public key there.
    #[arg(long, value_name = "ID")]
    ehr_key_id: Option<String>,
    /// How the key signs: ES384 or RS384.
    #[arg(long, value_name = "NAME", default_value = "ES384")]
    ehr_key_algorithm: String,
    /// How many lanes the clinics are spread over.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=20))]
    lanes: u8,
    /// The first of the ports that are used [default: the first free block].
    #[arg(long, value_name = "PORT")]
    port_base: Option<u16>,
    #[command(flatten)]
    given: GivenArgs,
}

impl StackArgs {
    /// What to start.
    ///
    /// # Errors
    /// If the samples' folder cannot be found.
    pub fn options(&self, layout: &Layout, fresh: bool) -> anyhow::Result<Options> {
        let samples = self.samples.clone().unwrap_or_else(|| layout.samples());
        let samples = std::fs::canonicalize(&samples)
            .with_context(|| format!("no sample data in {}", samples.display()))?;
        let client = match (&self.ehr_token_url, &self.ehr_client_id, &self.ehr_key_file, &self.ehr_key_id) {
            (Some(token_url), Some(client_id), Some(key_file), Some(key_id)) => Some(EhrClient {
                token_url: token_url.clone(),
                client_id: client_id.clone(),
                key_file: std::path::absolute(key_file)?,
                key_id: key_id.clone(),
                algorithm: self.ehr_key_algorithm.clone(),
            }),
            _ => None,
        };
        let profile = self.ehr_profile.clone();
        let ehr = self.ehr.clone().map(|url| EhrAccess { url, profile: profile.clone(), client });
        Ok(Options {
            samples,
            ehr,
            profile,
            lanes: self.lanes.into(),
            port_base: self.port_base,
            fresh,
            given: self.given.given(),
            tls: false,
            extra: toml::Table::new(),
            replicas: BTreeMap::new(),
            dress: Dress::default(),
        })
    }
}

impl Up {
    /// Starts it, and stays until it is to stop.
    ///
    /// # Errors
    /// If something cannot be started. A request to stop is none.
    pub async fn run(&self, layout: &Layout) -> anyhow::Result<()> {
        if self.detach {
            return detach(layout).await;
        }
        let options = Options { tls: self.tls, ..self.stack.options(layout, !self.keep_data)? };
        let mut started = None;
        let result = run(layout, async |supervisor| {
            let stack = started.insert(Stack::start(layout, supervisor, &options).await?);
            Runner::write(layout, true)?;
            stack.announce(layout);
            std::future::pending::<anyhow::Result<()>>().await
        })
        .await;
        if let Some(stack) = started.filter(|_| !self.keep_data) {
            stack.remove().await;
        }
        match result {
            Err(error) if error.is::<Interrupted>() => {
                output::line("stopped");
                Ok(())
            }
            other => other,
        }
    }
}

/// Runs the same command in the background, and waits until it says that everything is up.
async fn detach(layout: &Layout) -> anyhow::Result<()> {
    layout.make()?;
    let log = layout.runner_log();
    let output = std::fs::File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
    let args = std::env::args_os().skip(1).filter(|arg| arg != "--detach");
    let mut child = tokio::process::Command::new(std::env::current_exe()?)
        .args(args)
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output)
        .process_group(0)
        .spawn()?;
    let doing = Doing::begin("starting everything");
    let pid = child.id().and_then(|pid| i32::try_from(pid).ok());
    let ready = wait::until(Duration::from_secs(600), || async {
        Runner::read(layout).is_some_and(|runner| runner.ready && Some(runner.process.pid) == pid)
    });
    tokio::select! {
        _ = child.wait() => {
            let text = std::fs::read_to_string(&log).unwrap_or_default();
            bail!("{}", text.lines().last().unwrap_or("it ended without a word").trim());
        }
        _ = tokio::signal::ctrl_c() => {
            call_off(&mut child).await;
            return Err(Interrupted.into());
        }
        ready = ready => if ready.is_err() {
            call_off(&mut child).await;
            bail!("it is not up after ten minutes: see {}", log.display());
        },
    }
    doing.done(&format!("everything is up: {}; stop it with ./dev down", layout.endpoints().display()));
    Ok(())
}

/// Ends a background run that is not wanted any more: it stops all that it has started.
async fn call_off(child: &mut tokio::process::Child) {
    if let Some(process) = child.id().and_then(ProcessId::of) {
        process.signal(nix::sys::signal::Signal::SIGTERM);
    }
    child.wait().await.ok();
}
