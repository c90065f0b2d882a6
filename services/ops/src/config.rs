//! `[ops]` and `[reconciliation]` in the configuration file.

use std::{net::SocketAddr, path::PathBuf};

use jiff::SignedDuration;
use runtime::{ConfigError, Settings};
use serde::Deserialize;

/// The API's own settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpsConfig {
    /// Address to listen on.
    pub listen: SocketAddr,
    /// The tokens file: who may use the API, and how far.
    pub tokens_file: PathBuf,
    /// PEM file of the certificate to show, with those between it and its authority. With it, only TLS is spoken. It goes with `key_file`.
    #[serde(default)]
    pub cert_file: Option<PathBuf>,
    /// Its private key.
    #[serde(default)]
    pub key_file: Option<PathBuf>,
    /// PEM file of the authorities whose certificates clients must show. Without it none is asked for.
    #[serde(default)]
    pub client_ca_file: Option<PathBuf>,
}

impl OpsConfig {
    /// What shakes hands with who connects, where TLS is spoken. Reads the files.
    ///
    /// # Errors
    /// [`ConfigError`] names the file's key.
    pub fn acceptor(&self) -> Result<Option<tls::Acceptor>, ConfigError> {
        let files = tls::Files {
            ca: self.client_ca_file.clone(),
            cert: self.cert_file.clone(),
            key: self.key_file.clone(),
        };
        if files.is_empty() {
            return Ok(None);
        }
        tls::Acceptor::new("ops", files).map(Some).map_err(|error| ConfigError::tls("ops", error))
    }
}

/// When what is held against what.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReconciliationConfig {
    /// Whether it is done by itself, once for each day.
    pub daily: bool,
    /// From which hour of the next day on, UTC, 0 to 23. At 12 a day is over everywhere in the United States.
    pub hour: u8,
    /// Seconds that a submission may be on its way before that is a difference, at least 1.
    pub sla_s: u32,
}

impl Default for ReconciliationConfig {
    fn default() -> Self {
        Self { daily: true, hour: 12, sla_s: 900 }
    }
}

impl ReconciliationConfig {
    /// Reads and checks `[reconciliation]`.
    ///
    /// # Errors
    /// [`ConfigError`] names the key.
    pub fn read(settings: &Settings) -> Result<Self, ConfigError> {
        let config: Self = settings.section("reconciliation")?;
        if config.hour > 23 {
            return Err(ConfigError::key("reconciliation.hour", "must be 0 to 23"));
        }
        if config.sla_s == 0 {
            return Err(ConfigError::key("reconciliation.sla_s", "must be at least 1"));
        }
        Ok(config)
    }

    /// How long a submission may be on its way.
    pub fn sla(&self) -> SignedDuration {
        SignedDuration::from_secs(i64::from(self.sla_s))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use runtime::Settings;

    use super::ReconciliationConfig;

    #[test]
    fn a_wrong_value_names_its_key() {
        let read = |text: &str| {
            let settings =
                Settings::from_toml(&format!("[reconciliation]\n{text}\n"), Path::new("/")).unwrap();
            ReconciliationConfig::read(&settings).map(|config| (config.daily, config.hour, config.sla_s))
        };
        assert_eq!(read("").unwrap(), (true, 12, 900));
        assert_eq!(read("daily = false\nhour = 0\nsla_s = 60").unwrap(), (false, 0, 60));
        for (text, key) in [
            ("hour = 24", "reconciliation.hour"),
            ("sla_s = 0", "reconciliation.sla_s"),
            ("tyop = 1", "tyop"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(key), "{error}");
        }
    }
}
