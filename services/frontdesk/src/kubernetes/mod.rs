//! Manifests for Kubernetes, made from data: the line's configuration (its lanes, its drain) and an environment's sizes.
//!
//! What is made is whole: Kustomize only joins it with `k8s/base`, names the image, and mounts the configuration. So what a test sees here
//! is what a cluster gets.

mod accounts;
mod broker;
mod certificates;
mod jobs;
mod line;
mod network;
mod pod;
mod secrets;
mod service;
mod sizes;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use runtime::{
    Settings,
    config::{StageSection, TelemetrySection},
    topology::Lanes,
};
use serde_json::{Value, json};

pub use broker::{BrokerUser, broker_users};
pub use service::{Need, SERVICES, Service};
pub use sizes::{Sizes, SizesError};

/// The namespace of everything.
pub const NAMESPACE: &str = "frontdesk";
/// The broker's virtual host.
pub const VHOST: &str = "frontdesk";
/// Liveness, readiness and metrics of every service.
pub const HEALTH_PORT: u16 = 9464;
/// The gateway's door, by TLS.
pub const GATEWAY_PORT: u16 = 8443;
/// The operators' API, by TLS.
pub const OPS_PORT: u16 = 8444;

/// Seconds that a pod has beyond the drain: to be told, to close its connections, and to end.
const BEYOND_DRAIN_S: u64 = 15;

/// The folders that are made, each with a `kustomization.yaml` of its own or listed in the hand-written one beside it.
const FOLDERS: [&str; 3] = ["line", "jobs", "platform/made"];

/// What an environment's manifests are made from.
pub struct Environment {
    /// The line's configuration.
    settings: Settings,
    sizes: Sizes,
    lanes: Lanes,
    stage: StageSection,
    telemetry: TelemetrySection,
}

impl Environment {
    /// Reads `frontdesk.toml` and `sizes.toml` of a folder.
    ///
    /// # Errors
    /// If one cannot be read, or a value is wrong: names the key.
    pub fn read(folder: &Path) -> anyhow::Result<Self> {
        let file = folder.join("frontdesk.toml");
        let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        // Not with the environment of whoever makes the manifests.
        let settings = Settings::from_toml(&text, Path::new("/etc/frontdesk"))?;
        let (lanes, stage) = (Lanes::read(&settings)?, StageSection::read(&settings)?);
        let telemetry = settings.section("telemetry")?;
        let file = folder.join("sizes.toml");
        let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let sizes = Sizes::read(&text, &lanes).with_context(|| file.display().to_string())?;
        Ok(Self { settings, sizes, lanes, stage, telemetry })
    }

    /// The line's configuration.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Its lanes.
    pub const fn lanes(&self) -> &Lanes {
        &self.lanes
    }

    /// Whether traces go to a collector.
    const fn traced(&self) -> bool {
        self.telemetry.otlp_endpoint.is_some()
    }

    /// Whether the collector's authority is one that we are told of.
    const fn trusts_collector(&self) -> bool {
        self.telemetry.ca_file.is_some()
    }

    /// Seconds from SIGTERM until a pod is killed: longer than its drain.
    const fn grace_s(&self) -> u64 {
        self.stage.drain_s + BEYOND_DRAIN_S
    }

    /// Every file, by its path below the environment's folder.
    ///
    /// # Errors
    /// If a document cannot be written as YAML.
    pub fn files(&self) -> anyhow::Result<BTreeMap<PathBuf, String>> {
        let mut documents: BTreeMap<String, Vec<Value>> = line::documents(self);
        documents.insert("line/accounts".to_owned(), accounts::of_the_line());
        documents.insert("line/network".to_owned(), network::of_the_line(self));
        documents.insert("line/scaler".to_owned(), vec![line::authentication()]);
        documents.insert("jobs/accounts".to_owned(), accounts::of_the_jobs());
        documents.insert("jobs/network".to_owned(), network::of_the_jobs());
        documents.insert("jobs/migrate".to_owned(), vec![jobs::migrate(self)]);
        documents.insert("jobs/topology".to_owned(), vec![jobs::topology(self)]);
        documents.insert("platform/made/users".to_owned(), broker::users());
        documents.insert("platform/made/secrets".to_owned(), secrets::external(self));
        let mut lists: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for name in documents.keys() {
            if let Some((folder, file)) = name.rsplit_once('/') {
                lists.entry(folder).or_default().push(format!("{file}.yaml"));
            }
        }
        let mut files = BTreeMap::new();
        for (folder, list) in lists {
            let mut kustomization = json!({
                "apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "resources": list,
            });
            // Jobs are applied by themselves, before the line, and need the configuration and the image as the line does.
            if folder == "jobs" {
                kustomization["components"] = json!(["../config"]);
            }
            files.insert(PathBuf::from(folder).join("kustomization.yaml"), text(&[kustomization])?);
        }
        for (name, documents) in &documents {
            files.insert(PathBuf::from(format!("{name}.yaml")), text(documents)?);
        }
        Ok(files)
    }

    /// Writes every file below an environment's folder, and removes what is no longer made.
    ///
    /// # Errors
    /// If a file cannot be written or removed.
    pub fn write(&self, folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
        let files = self.files()?;
        for made in FOLDERS {
            let made = folder.join(made);
            if made.exists() {
                fs::remove_dir_all(&made).with_context(|| format!("cannot empty {}", made.display()))?;
            }
            fs::create_dir_all(&made).with_context(|| format!("cannot make {}", made.display()))?;
        }
        for (name, text) in &files {
            let path = folder.join(name);
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(files.into_keys().collect())
    }

    /// What differs between a folder and what would be made: names of files, none if it is in step.
    ///
    /// # Errors
    /// If a document cannot be made, or the folder cannot be read.
    pub fn differs(&self, folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
        let files = self.files()?;
        let mut differ: Vec<PathBuf> = files
            .iter()
            .filter(|(name, text)| fs::read_to_string(folder.join(name)).ok().as_ref() != Some(text))
            .map(|(name, _)| name.clone())
            .collect();
        for made in FOLDERS {
            let Ok(entries) = fs::read_dir(folder.join(made)) else { continue };
            for entry in entries {
                let name = Path::new(made).join(entry?.file_name());
                if !files.contains_key(&name) {
                    differ.push(name);
                }
            }
        }
        Ok(differ)
    }
}

const HEAD: &str = "# Made by `frontdesk manifests` from config/frontdesk.toml and config/sizes.toml. Change those, and make it anew.\n";

fn text(documents: &[Value]) -> anyhow::Result<String> {
    let mut text = HEAD.to_owned();
    for document in documents {
        text.push_str("---\n");
        text.push_str(&serde_saphyr::to_string(document)?);
    }
    Ok(text)
}

/// Labels by which one finds what belongs together.
fn labels(name: &str, lane: Option<&str>) -> Value {
    let mut labels = json!({ "app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "frontdesk" });
    if let Some(lane) = lane {
        labels["frontdesk/lane"] = json!(lane);
    }
    labels
}
