//! Configuration errors: they name the key and why, and never quote a value.

use std::path::PathBuf;

use config::ConfigError as Cause;

/// The configuration cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The file as a whole.
    #[error("configuration file {path}: {reason}", path = path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// One key.
    #[error("configuration key `{key}`: {reason}")]
    Key {
        /// The key with its section, such as `stage.prefetch`.
        key: String,
        /// Why.
        reason: String,
    },
}

impl ConfigError {
    /// An error about one key.
    pub fn key(key: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Key { key: key.into(), reason: reason.into() }
    }

    /// The same error of a certificate's file under the configuration's name of it.
    pub fn tls(section: &str, error: tls::TlsError) -> Self {
        Self::key(format!("{section}.{}", error.key), error.why)
    }
}

/// The key that an error is about, within a section.
pub(super) fn key(cause: &Cause, section: &str) -> String {
    match cause {
        Cause::At { key: Some(key), .. } | Cause::Type { key: Some(key), .. } => {
            if key.starts_with(section) {
                key.clone()
            } else {
                format!("{section}.{key}")
            }
        }
        Cause::At { error, .. } => self::key(error, section),
        _ => section.to_owned(),
    }
}

/// What is wrong, without the value.
pub(super) fn reason(cause: &Cause) -> String {
    match cause {
        Cause::At { error, .. } => reason(error),
        // The cause's own text quotes what was found, which may be a secret in the wrong place.
        Cause::Type { expected, .. } => format!("wrong type: expected {expected}"),
        Cause::NotFound(key) => format!("missing `{key}`"),
        Cause::Message(text) => text.clone(),
        other => other.to_string(),
    }
}
