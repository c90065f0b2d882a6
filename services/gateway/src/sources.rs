//! The sources file: who may post, for which clinics, and how they prove it.

use std::{
    collections::{BTreeSet, HashSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use domain::{ClinicId, ids::SourceName, token::TokenHash};
use serde::Deserialize;
use tokio::sync::Semaphore;

use crate::auth::webhook::WebhookSecret;

/// One sender: a Make.com scenario, a kiosk fleet, a portal.
pub struct Source {
    /// Its name, for logs. Free of PHI: it is configuration.
    pub name: String,
    /// What it sends: the `source` of its submissions.
    pub kind: SourceName,
    /// Where it may send.
    pub clinics: Reach,
    /// Secrets that sign its webhooks. Several while one is being replaced.
    pub(crate) secrets: Vec<WebhookSecret>,
    /// Hashes of its API keys.
    pub(crate) keys: Vec<TokenHash>,
    /// Places for its requests in hand.
    pub(crate) places: Arc<Semaphore>,
}

/// The clinics that a source may act for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// All that are configured.
    All,
    /// These.
    Some(BTreeSet<ClinicId>),
}

impl Reach {
    /// Whether the clinic is among them.
    pub fn covers(&self, clinic: &ClinicId) -> bool {
        match self {
            Self::All => true,
            Self::Some(clinics) => clinics.contains(clinic),
        }
    }
}

/// All senders.
pub struct Sources(pub(crate) Vec<Arc<Source>>);

/// The sources file cannot be used. Says where and why, never a secret.
#[derive(Debug, thiserror::Error)]
pub enum SourcesError {
    /// A file cannot be read.
    #[error("cannot read {path}: {why}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        why: std::io::Error,
    },
    /// The file is not what it should be.
    #[error("{path}: {why}")]
    Parse {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// A source is not usable.
    #[error("{path}: source `{source_name}`: {why}")]
    Source {
        /// The file.
        path: PathBuf,
        /// The source's name.
        source_name: String,
        /// What to change.
        why: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    source: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    kind: SourceName,
    clinics: Vec<String>,
    #[serde(default)]
    secret_files: Vec<PathBuf>,
    #[serde(default)]
    api_key_sha256: Vec<String>,
}

impl Sources {
    /// Reads the sources file. Secret files are named relative to it. `places` bounds each source's requests in hand.
    ///
    /// # Errors
    /// [`SourcesError`] names file, source and reason.
    pub fn load(path: &Path, places: usize) -> Result<Self, SourcesError> {
        let text = read(path)?;
        let file: File = toml::from_str(&text)
            .map_err(|error| SourcesError::Parse { path: path.into(), why: reason(&text, &error) })?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut names = BTreeSet::new();
        let mut sources = Vec::new();
        for entry in file.source {
            let refuse = |why: String| SourcesError::Source {
                path: path.into(),
                source_name: entry.name.clone(),
                why,
            };
            if !names.insert(entry.name.clone()) {
                return Err(refuse("the name is taken".into()));
            }
            if entry.secret_files.is_empty() && entry.api_key_sha256.is_empty() {
                return Err(refuse("needs secret_files or api_key_sha256".into()));
            }
            let clinics = reach(&entry.clinics).map_err(refuse)?;
            let mut secrets = Vec::new();
            for file in &entry.secret_files {
                let file = folder.join(file);
                let secret = WebhookSecret::parse(read(&file)?.trim())
                    .map_err(|why| refuse(format!("{}: {why}", file.display())))?;
                secrets.push(secret);
            }
            let keys = entry
                .api_key_sha256
                .iter()
                .map(|hex| TokenHash::parse(hex).map_err(|why| refuse(format!("api_key_sha256: {why}"))))
                .collect::<Result<_, _>>()?;
            sources.push(Arc::new(Source {
                name: entry.name,
                kind: entry.kind,
                clinics,
                secrets,
                keys,
                places: Arc::new(Semaphore::new(places)),
            }));
        }
        Ok(Self(sources))
    }
}

impl Sources {
    /// Source and clinic of each clinic that is named and not configured: a mistyped name, or a clinic to come.
    pub fn strangers<'a>(
        &'a self,
        configured: &'a HashSet<ClinicId>,
    ) -> impl Iterator<Item = (&'a str, &'a ClinicId)> {
        self.0.iter().flat_map(move |source| {
            let named = match &source.clinics {
                Reach::All => None,
                Reach::Some(clinics) => Some(clinics),
            };
            let unknown = named.into_iter().flatten().filter(|clinic| !configured.contains(*clinic));
            unknown.map(|clinic| (source.name.as_str(), clinic))
        })
    }
}

fn reach(clinics: &[String]) -> Result<Reach, String> {
    match clinics {
        [] => Err("clinics: name at least one, or [\"*\"] for all".into()),
        [all] if all == "*" => Ok(Reach::All),
        some => some
            .iter()
            .map(|text| ClinicId::parse(text).map_err(|why| format!("clinics: {why}")))
            .collect::<Result<_, _>>()
            .map(Reach::Some),
    }
}

/// The line and the reason. toml's own text quotes the line, and serde's the value: either may be a secret.
fn reason(text: &str, error: &toml::de::Error) -> String {
    let line = error.span().map_or(1, |span| text[..span.start].lines().count().max(1));
    let message = error.message();
    let kept = match message.find("expected ") {
        Some(start) if message.starts_with("invalid") => &message[start..],
        _ => message,
    };
    format!("near line {line}: {kept}")
}

fn read(path: &Path) -> Result<String, SourcesError> {
    std::fs::read_to_string(path).map_err(|why| SourcesError::Read { path: path.into(), why })
}
