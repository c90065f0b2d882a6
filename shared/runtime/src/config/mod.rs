//! Settings: one TOML file that all services read, each its sections, overridden by `FRONTDESK__SECTION__KEY`.

mod error;
mod keys;
mod paths;
mod plain;
mod secret;
mod sections;

use std::path::{Path, PathBuf};

use config::{Config, Environment, File, FileFormat};
use serde::de::DeserializeOwned;

pub use error::ConfigError;
pub use keys::index_key;
pub use plain::{Plain, TlsSection};
pub use secret::Secret;
#[cfg(debug_assertions)]
pub(crate) use sections::DrillSection;
pub use sections::{
    AmqpSection, ClinicsSection, HealthSection, KeysSection, LaneSection, ManagementSection, RetrySection,
    StageSection, TelemetrySection, VaultSection,
};

/// Keys whose value in the environment is a comma-separated list.
const LISTS: [&str; 3] = ["stage.lanes", "clinics.dirs", "drill.off"];

/// The configuration of one process.
#[derive(Clone)]
pub struct Settings {
    config: Config,
    folder: PathBuf,
}

impl Settings {
    /// Reads a file and the environment. Relative file names in it are taken from the file's folder.
    ///
    /// # Errors
    /// [`ConfigError::File`] if it cannot be read or is not TOML; [`ConfigError::Key`] for a connection or a listener without TLS, unless
    /// `[tls] plain` lets it. Never quotes a value.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError::File { path: path.to_owned(), reason: error.to_string() })?;
        let folder = path.parent().map(Path::to_owned).unwrap_or_default();
        let settings = Self::build(&text, folder, Some(environment()))
            .map_err(|reason| ConfigError::File { path: path.to_owned(), reason })?;
        settings.refuse_plain()?;
        Ok(settings)
    }

    /// Refuses connections and listeners without TLS, in any section, as `[tls] plain` says. Whoever loads a file has done it.
    ///
    /// # Errors
    /// [`ConfigError::Key`] names the first one, and what to do.
    pub fn refuse_plain(&self) -> Result<(), ConfigError> {
        plain::check(self)
    }

    /// Settings from a text, without the environment: for tests and for tools that make their own. What is plain is not refused.
    ///
    /// # Errors
    /// [`ConfigError::File`] if the text is not TOML.
    pub fn from_toml(text: &str, folder: &Path) -> Result<Self, ConfigError> {
        Self::build(text, folder.to_owned(), None)
            .map_err(|reason| ConfigError::File { path: folder.to_owned(), reason })
    }

    fn build(text: &str, folder: PathBuf, environment: Option<Environment>) -> Result<Self, String> {
        // Parsed once by itself: that error can be told without the line it is in, which may hold a password.
        let mut table = toml::from_str::<toml::Table>(text).map_err(|error| {
            let line =
                error.span().map_or(0, |span| text.get(..span.start).unwrap_or("").lines().count().max(1));
            format!("not TOML, near line {line}: {}", error.message())
        })?;
        paths::resolve(&mut table, &folder);
        let text = toml::to_string(&table).map_err(|error| error.to_string())?;
        let mut builder = Config::builder().add_source(File::from_str(&text, FileFormat::Toml));
        if let Some(environment) = environment {
            builder = builder.add_source(environment);
        }
        builder.build().map(|config| Self { config, folder }).map_err(|error| error::reason(&error))
    }

    /// Whether the section is there.
    pub fn has(&self, name: &str) -> bool {
        self.config.get::<config::Value>(name).is_ok()
    }

    /// One section as its type. A section that is absent is read as an empty one, so that a section of defaults may be left out.
    ///
    /// # Errors
    /// [`ConfigError::Key`] names the section or the key, and why.
    pub fn section<T: DeserializeOwned>(&self, name: &str) -> Result<T, ConfigError> {
        // By way of a value: then an error tells the key within the section.
        let read = match self.config.get::<config::Value>(name) {
            Ok(value) => T::deserialize(value),
            Err(_) => Config::default().try_deserialize(),
        };
        read.map_err(|error| ConfigError::Key {
            key: error::key(&error, name),
            reason: error::reason(&error),
        })
    }

    /// All sections.
    fn all(&self) -> Result<toml::Table, ConfigError> {
        self.config
            .clone()
            .try_deserialize()
            .map_err(|error| ConfigError::File { path: self.folder.clone(), reason: error::reason(&error) })
    }

    /// A secret: the value of `key`, or the content of the file that `<key>_file` names.
    ///
    /// # Errors
    /// [`ConfigError::Key`] if neither is there, both are, or the file cannot be read.
    pub fn secret(&self, section: &str, key: &str) -> Result<Secret, ConfigError> {
        let bad = |suffix: &str, reason: String| ConfigError::Key {
            key: format!("{section}.{key}{suffix}"),
            reason,
        };
        let here = self.config.get_string(&format!("{section}.{key}")).ok();
        let file = self.config.get_string(&format!("{section}.{key}_file")).ok();
        match (here, file) {
            (Some(_), Some(_)) => Err(bad("", format!("give it or {key}_file, not both"))),
            (Some(text), None) => Ok(Secret::new(text)),
            (None, Some(file)) => {
                let path = self.resolve(Path::new(&file));
                let text = std::fs::read_to_string(path).map_err(|error| bad("_file", error.to_string()))?;
                Ok(Secret::new(text.trim().to_owned()))
            }
            (None, None) => Err(bad("", format!("missing; give it or {key}_file"))),
        }
    }

    /// A path as the file means it: relative to the file's folder.
    pub fn resolve(&self, path: &Path) -> PathBuf {
        self.folder.join(path)
    }
}

/// What a client trusts and shows that a section of the settings configures.
///
/// # Errors
/// [`ConfigError`] names the file's key.
pub(crate) fn tls_client(section: &str, files: tls::Files) -> Result<rustls::ClientConfig, ConfigError> {
    let client = tls::Client::new(section, files).and_then(|client| client.config());
    client.map_err(|error| ConfigError::tls(section, error))
}

fn environment() -> Environment {
    let environment = Environment::with_prefix("FRONTDESK")
        .prefix_separator("__")
        .separator("__")
        .try_parsing(true)
        .list_separator(",");
    LISTS.iter().fold(environment, |environment, key| environment.with_list_parse_key(key))
}

#[cfg(test)]
mod tests;
