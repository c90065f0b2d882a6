//! `[gateway]` in the configuration file.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use runtime::{ConfigError, Settings};
use serde::Deserialize;

/// Largest body, bytes.
pub const MAX_BODY: usize = 256 * 1024;
/// Deepest nesting of objects and arrays.
pub const MAX_DEPTH: usize = 32;

/// The gateway's own settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatewayConfig {
    /// Address to listen on.
    pub listen: SocketAddr,
    /// PEM file of the certificate to show, with those between it and its authority. With it, only TLS is spoken. It goes with `key_file`.
    #[serde(default)]
    pub cert_file: Option<PathBuf>,
    /// Its private key.
    #[serde(default)]
    pub key_file: Option<PathBuf>,
    /// PEM file of the authorities whose certificates clients must show. Without it none is asked for.
    #[serde(default)]
    pub client_ca_file: Option<PathBuf>,
    /// The sources file: who may post, for which clinics, and how they prove it.
    pub sources_file: PathBuf,
    /// Folder of this gateway's own, in which it counts what it accepts until the database has the count. It is to outlive the process; nothing is
    /// counted without it, or without `[postgres]`.
    #[serde(default)]
    pub count_dir: Option<PathBuf>,
    /// What status URLs start with, such as `https://intake.example.org`; without it they are relative.
    #[serde(default)]
    pub public_url: Option<String>,
    /// Requests in hand at once, all sources together. Beyond it: 503.
    #[serde(default = "in_flight")]
    pub in_flight: usize,
    /// Requests in hand at once for one source. Beyond it: 429.
    #[serde(default = "in_flight_per_source")]
    pub in_flight_per_source: usize,
    /// Seconds that the broker may take to confirm. Beyond it: 503.
    #[serde(default = "ten")]
    pub confirm_timeout_s: u64,
    /// Seconds that the head of a request may take, and then its body.
    #[serde(default = "ten")]
    pub read_timeout_s: u64,
}

const fn in_flight() -> usize {
    256
}

const fn in_flight_per_source() -> usize {
    128
}

const fn ten() -> u64 {
    10
}

impl GatewayConfig {
    /// Reads and checks the section.
    ///
    /// # Errors
    /// [`ConfigError`] names the key.
    pub fn read(settings: &Settings) -> Result<Self, ConfigError> {
        let config: Self = settings.section("gateway")?;
        let numbers = [
            ("in_flight", config.in_flight as u64),
            ("in_flight_per_source", config.in_flight_per_source as u64),
            ("confirm_timeout_s", config.confirm_timeout_s),
            ("read_timeout_s", config.read_timeout_s),
        ];
        if let Some((key, _)) = numbers.iter().find(|(_, number)| *number == 0) {
            return Err(ConfigError::key(format!("gateway.{key}"), "must be at least 1"));
        }
        let absolute = |url: &String| url.starts_with("https://") || url.starts_with("http://");
        if !config.public_url.as_ref().is_none_or(absolute) {
            return Err(ConfigError::key("gateway.public_url", "must start with https://"));
        }
        Ok(config)
    }

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
        tls::Acceptor::new("gateway", files).map(Some).map_err(|error| ConfigError::tls("gateway", error))
    }

    /// How long the head or the body of a request may take.
    pub const fn read_timeout(&self) -> Duration {
        Duration::from_secs(self.read_timeout_s)
    }

    /// How long the broker may take to confirm.
    pub const fn confirm_timeout(&self) -> Duration {
        Duration::from_secs(self.confirm_timeout_s)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use runtime::Settings;

    use super::GatewayConfig;

    fn read(lines: &str) -> Result<GatewayConfig, String> {
        let text = format!("[gateway]\nlisten = \"127.0.0.1:0\"\nsources_file = \"s\"\n{lines}");
        let settings = Settings::from_toml(&text, Path::new("")).unwrap();
        GatewayConfig::read(&settings).map_err(|error| error.to_string())
    }

    #[test]
    fn mistakes_are_told_by_their_key() {
        assert_eq!(read("").unwrap().in_flight, 256);
        for (lines, key) in [
            ("in_flight = 0", "`gateway.in_flight`"),
            ("read_timeout_s = 0", "`gateway.read_timeout_s`"),
            ("public_url = \"intake.example.org\"", "`gateway.public_url`"),
            ("in_flights = 1", "in_flights"),
        ] {
            let error = read(lines).unwrap_err();
            assert!(error.contains(key), "{error}");
        }
    }
}
