//! The sandbox as a process: a FHIR R4 server, payers, an SMS provider and a mail server for tests and the demo.
#![allow(clippy::print_stderr, reason = "a tool for people at a terminal; it logs nowhere else")]

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::{Parser, ValueEnum};
use testkit::sandbox::{
    Addresses, AuthConfig, ClientConfig, KeyAlgorithm, Member, PublicKeys, Rule, Sandbox, SandboxConfig,
    SlotRow,
};
use tokio::signal::unix::{SignalKind, signal};

/// A stand-in for EHR, payers, SMS provider and mail server. For tests and the demo only: in memory, in clear,
/// loopback only.
#[derive(Parser)]
#[command(name = "sandbox", version)]
struct Arguments {
    /// Where HTTP listens (FHIR, tokens, payers, SMS, control); port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Where SMTP listens; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    smtp: SocketAddr,
    /// Whom the payers know: member_id,payer,status,first,last,birth_date.
    #[arg(long)]
    members: Option<PathBuf>,
    /// Which slots the EHR offers: clinic_id,provider,start,minutes.
    #[arg(long)]
    slots: Option<PathBuf>,
    /// Where to write the chosen addresses, as JSON, once everything listens.
    #[arg(long)]
    address_file: Option<PathBuf>,
    /// Whether FHIR requests need a token of the token endpoint.
    #[arg(long, value_enum, default_value_t = Switch::Off)]
    auth: Switch,
    /// The client's id, with --client-keys.
    #[arg(long, default_value = "frontdesk")]
    client_id: String,
    /// The client's public key (PEM or JWKS); without it a client is made and its key written to --client-key-file.
    #[arg(long)]
    client_keys: Option<PathBuf>,
    /// The scopes that the client of --client-keys may be granted.
    #[arg(long, default_value = "system/*.crus")]
    client_scopes: String,
    /// Where to write the private key of the client that is made; by default beside the address file.
    #[arg(long)]
    client_key_file: Option<PathBuf>,
    /// What the client that is made signs with.
    #[arg(long, value_enum, default_value_t = KeyAlgorithm::Es384)]
    client_key_algorithm: KeyAlgorithm,
    /// How long tokens live, in seconds.
    #[arg(long, default_value_t = 300)]
    token_ttl_s: u64,
    /// An audience accepted beside the token endpoint's own URL; loopback only.
    #[arg(long)]
    audience: Vec<String>,
    /// The SMS provider's bearer token; without it any token passes.
    #[arg(long)]
    sms_token: Option<String>,
    /// The payer's token; without it none is asked for.
    #[arg(long)]
    payer_token: Option<String>,
    /// Offer STARTTLS; the certificate to trust is written beside the address file.
    #[arg(long, value_enum, default_value_t = Switch::Off)]
    smtp_starttls: Switch,
    /// Faults from the start: a JSON list of rules, as for PUT /_sandbox/faults.
    #[arg(long)]
    faults: Option<PathBuf>,
    /// Seed of ids and of the faults' chances.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Refuse a second Appointment for a slot; real servers do not.
    #[arg(long)]
    prevent_double_booking: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Switch {
    On,
    Off,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("no runtime");
    match runtime.and_then(|runtime| runtime.block_on(run(&arguments))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sandbox: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<()> {
    eprintln!(
        "sandbox: for tests and the demo only; everything is in memory and in clear, on loopback alone"
    );
    // Before the listeners open, so that a signal during the start ends it in order too.
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    if let Some(file) = &arguments.address_file {
        // Whoever waits for the file must not find the one of an earlier run.
        let _ = fs::remove_file(file);
    }
    let sandbox = Sandbox::start(config(arguments)?).await?;
    announce(arguments, &sandbox)?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    sandbox.stop().await;
    eprintln!("sandbox: stopped");
    Ok(())
}

fn config(arguments: &Arguments) -> Result<SandboxConfig> {
    let mut config = SandboxConfig {
        listen: arguments.listen,
        smtp_listen: arguments.smtp,
        auth: AuthConfig {
            enabled: arguments.auth == Switch::On,
            token_ttl: Duration::from_secs(arguments.token_ttl_s),
            audiences: arguments.audience.clone(),
            algorithm: arguments.client_key_algorithm,
            ..AuthConfig::default()
        },
        seed: arguments.seed,
        sms_token: arguments.sms_token.clone(),
        payer_token: arguments.payer_token.clone(),
        smtp_starttls: arguments.smtp_starttls == Switch::On,
        prevent_double_booking: arguments.prevent_double_booking,
        ..SandboxConfig::default()
    };
    if let Some(path) = &arguments.members {
        config.members = Member::read_csv(open(path)?)?;
    }
    if let Some(path) = &arguments.slots {
        config.slots = SlotRow::read_csv(open(path)?)?;
    }
    if let Some(path) = &arguments.faults {
        config.faults = serde_json::from_reader::<_, Vec<Rule>>(open(path)?)
            .with_context(|| format!("{} is not a list of rules", path.display()))?;
    }
    if let Some(path) = &arguments.client_keys {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let keys =
            if text.trim_start().starts_with('{') { PublicKeys::Jwks(text) } else { PublicKeys::Pem(text) };
        let (client_id, scopes) = (arguments.client_id.clone(), arguments.client_scopes.clone());
        config.auth.clients.push(ClientConfig { client_id, keys, scopes });
    }
    Ok(config)
}

fn open(path: &Path) -> Result<File> {
    File::open(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Writes the key and certificate files, then the address file, which so is a sign that all is ready.
fn announce(arguments: &Arguments, sandbox: &Sandbox) -> Result<()> {
    let mut addresses = sandbox.addresses().clone();
    let folder = arguments.address_file.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
    if let Some(key) = sandbox.client_key() {
        let file = arguments.client_key_file.clone().unwrap_or_else(|| folder.join("sandbox-client.pem"));
        write(&file, &key.private_pem)?;
        write(&file.with_extension("jwks.json"), &key.jwks)?;
        addresses.client_key_file = Some(file.display().to_string());
    }
    if let Some(pem) = sandbox.smtp_ca_pem() {
        let file = folder.join("sandbox-smtp-ca.pem");
        write(&file, pem)?;
        addresses.smtp_ca_file = Some(file.display().to_string());
    }
    if let Some(file) = &arguments.address_file {
        write(file, &serde_json::to_string_pretty(&addresses)?)?;
    }
    let Addresses { fhir_url, smtp_addr, control_url, .. } = &addresses;
    eprintln!("sandbox: FHIR {fhir_url}, SMTP {smtp_addr}, control {control_url}");
    Ok(())
}

/// Writes a file that only its owner reads, whole or not at all.
fn write(path: &Path, text: &str) -> Result<()> {
    let draft = path.with_extension("draft");
    let open = || OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft);
    let written = open().and_then(|mut file| file.write_all(text.as_bytes()));
    written
        .and_then(|()| fs::rename(&draft, path))
        .with_context(|| format!("cannot write {}", path.display()))
}
