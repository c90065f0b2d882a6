//! Who may do what in a local run: the files with credentials, the gateway's sources, the ops API's tokens.

use std::{collections::BTreeMap, path::PathBuf};

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::clock::{Clock as _, SystemClock};
use runtime::keys::{KeyFiles, fresh_id};
use testkit::sandbox::Addresses;
use toml::{Table, Value};

use super::{
    Layout,
    backends::Backends,
    certificates::Certificates,
    endpoints::{Api, Ehr, Endpoints, Gateway, Server, Service, Source},
    own::Own,
    secrets::Secrets,
    services::{self, Instance, Places},
    settings::{EhrAccess, Files},
};
use crate::demo::samples::Clinic;

/// All credentials of a run, in files.
pub struct Credentials {
    amqp: PathBuf,
    management: PathBuf,
    postgres: PathBuf,
    sealing: PathBuf,
    index: PathBuf,
    sources_file: PathBuf,
    tokens_file: PathBuf,
    token: PathBuf,
    sources: Vec<Source>,
    own: Own,
}

/// Makes what is not there yet.
///
/// # Errors
/// If a file cannot be written.
pub fn write(secrets: &Secrets, backends: &Backends, clinics: &[Clinic]) -> anyhow::Result<Credentials> {
    // The keys that are there stay, and what was added to them.
    if KeyFiles::new(secrets.path("sealing")).read().is_err() {
        secrets.hex::<32>(&format!("sealing/{}.key", fresh_id(SystemClock.now())))?;
    }
    secrets.hex::<32>("index.key")?;
    let token = secrets.hex::<32>("ops_token")?;
    let sources = sources(secrets, clinics)?;
    let tokens = table([
        ("name", Value::String("local".to_owned())),
        ("roles", Value::Array(["viewer", "operator"].map(|role| Value::String(role.to_owned())).to_vec())),
        ("sha256", Value::String(hex(digest(&SHA256, token.as_bytes()).as_ref()))),
    ]);
    let list = |name: &str, entries: Vec<Value>| toml::to_string(&table([(name, Value::Array(entries))]));
    Ok(Credentials {
        amqp: secrets.put("amqp_url", &backends.amqp)?,
        management: secrets.put("management_url", &backends.management)?,
        postgres: secrets.put("postgres_url", &backends.postgres)?,
        sealing: secrets.path("sealing"),
        index: secrets.path("index.key"),
        sources_file: secrets.put("sources.toml", &list("source", sources.iter().map(entry).collect())?)?,
        tokens_file: secrets.put("tokens.toml", &list("token", vec![Value::Table(tokens)])?)?,
        token: secrets.path("ops_token"),
        sources,
        own: Own::make(secrets, backends)?,
    })
}

/// One source for each kind of sender, with a secret of its own and the clinics that it serves.
fn sources(secrets: &Secrets, clinics: &[Clinic]) -> anyhow::Result<Vec<Source>> {
    let mut by_kind: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for clinic in clinics {
        by_kind.entry(clinic.source.to_string()).or_default().push(clinic.clinic_id.to_string());
    }
    by_kind
        .into_iter()
        .map(|(kind, clinics)| {
            let name = format!("make-{}", kind.replace('_', "-"));
            let file = format!("{name}.secret");
            if !secrets.path(&file).is_file() {
                let random: [u8; 32] = std::array::from_fn(|_| rand::random());
                secrets.put(&file, &format!("whsec_{}", STANDARD.encode(random)))?;
            }
            Ok(Source { name, kind, clinics, secret_file: secrets.path(&file) })
        })
        .collect()
}

fn entry(source: &Source) -> Value {
    let text = |text: &str| Value::String(text.to_owned());
    Value::Table(table([
        ("name", text(&source.name)),
        ("kind", text(&source.kind)),
        ("clinics", Value::Array(source.clinics.iter().map(|clinic| text(clinic)).collect())),
        ("secret_files", Value::Array(vec![text(&source.secret_file.display().to_string())])),
    ]))
}

impl Credentials {
    /// What the configuration names.
    pub fn files(&self) -> Files<'_> {
        Files {
            amqp: &self.amqp,
            management: &self.management,
            postgres: &self.postgres,
            sealing: &self.sealing,
            index: &self.index,
            sources: &self.sources_file,
            tokens: &self.tokens_file,
        }
    }

    /// The services' own users and roles.
    pub const fn own(&self) -> &Own {
        &self.own
    }
}

/// Where everything is.
///
/// # Errors
/// If a URL is none.
pub fn endpoints(
    layout: &Layout,
    (places, instances): (&Places, &[Instance]),
    (credentials, tls): (&Credentials, Option<&Certificates>),
    (backends, sandbox, ehr): (&Backends, &Addresses, &EhrAccess),
) -> anyhow::Result<Endpoints> {
    let service = |Instance { name, health, .. }: &Instance| {
        let at = format!("http://{health}");
        let own = Service {
            live: format!("{at}/health/live"),
            ready: format!("{at}/health/ready"),
            metrics: format!("{at}/metrics"),
            log: services::log(layout, name),
        };
        (name.clone(), own)
    };
    let scheme = if tls.is_some() { "https" } else { "http" };
    let public = Addresses { sms_token: None, payer_token: None, ..sandbox.clone() };
    Ok(Endpoints {
        amqp: Server::of(&backends.amqp, credentials.amqp.clone())?,
        management: Server::of(&backends.management, credentials.management.clone())?,
        postgres: Server::of(&backends.postgres, credentials.postgres.clone())?,
        broker_metrics: backends.broker_metrics.clone(),
        gateway: Gateway {
            url: format!("{scheme}://{}", places.gateway()),
            sources: credentials.sources.clone(),
        },
        ops: Api { url: format!("{scheme}://{}", places.ops()), token_file: credentials.token.clone() },
        ca_file: tls.map(|certificates| certificates.ca.clone()),
        services: instances.iter().map(service).collect(),
        sandbox: Some(serde_json::to_value(public)?),
        ehr: Ehr { url: ehr.url.clone(), profile: ehr.profile.clone() },
        config: layout.settings(),
        logs: layout.logs(),
        pids: layout.pids(),
    })
}

fn table<const N: usize>(entries: [(&str, Value); N]) -> Table {
    entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
