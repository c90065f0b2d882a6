//! The `[postgres]` section of the configuration.

use std::{
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Deserialize;
use tokio_postgres::config::SslMode;

use crate::connect;

/// How to reach Postgres, and how much to do at once.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `postgres://user:password@host:port/database?sslmode=require`. Either this or `url_file`. Wherever TLS is spoken, the server's
    /// certificate and host name are checked, as others call `verify-full`.
    #[serde(default)]
    pub url: Option<String>,
    /// A file that holds the URL, for secrets that are mounted.
    #[serde(default)]
    pub url_file: Option<PathBuf>,
    /// A file that holds the password alone, where the URL has none: as secrets of roles are often given.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// PEM file of the authority that signed the server's certificate, where it is not one of the system's.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// PEM file of the certificate that we show, where the server asks for one. It goes with `client_key_file`.
    #[serde(default)]
    pub client_cert_file: Option<PathBuf>,
    /// Its private key.
    #[serde(default)]
    pub client_key_file: Option<PathBuf>,
    /// Connections at most, 2 to 64: a replay needs a second one while it holds the first.
    #[serde(default = "defaults::pool_size")]
    pub pool_size: usize,
    /// Rows that share a commit at most, 1 to 1024.
    #[serde(default = "defaults::batch")]
    pub batch: usize,
    /// Milliseconds that a row waits for others to share its commit, at most 1000.
    #[serde(default = "defaults::batch_wait_ms")]
    pub batch_wait_ms: u64,
    /// Seconds after which a statement is given up, 1 to 600. Nothing waits for the database longer than about twice that, and a
    /// connection on which nothing is heard for one and a half times that is given up.
    #[serde(default = "defaults::statement_timeout_s")]
    pub statement_timeout_s: u64,
    /// Persons that one admission is compared with at most; those that share the most keys come first.
    #[serde(default = "defaults::candidates")]
    pub candidates: usize,
}

mod defaults {
    pub(super) const fn pool_size() -> usize {
        8
    }
    pub(super) const fn batch() -> usize {
        256
    }
    pub(super) const fn batch_wait_ms() -> u64 {
        3
    }
    pub(super) const fn statement_timeout_s() -> u64 {
        10
    }
    pub(super) const fn candidates() -> usize {
        100
    }
}

/// What is wrong with the configuration. Names the key; never quotes a URL, which may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("postgres.{key}: {why}")]
pub struct ConfigError {
    /// The key within `[postgres]`.
    pub key: &'static str,
    /// What is wrong with its value.
    pub why: String,
}

impl ConfigError {
    pub(crate) fn new(key: &'static str, why: impl Into<String>) -> Self {
        Self { key, why: why.into() }
    }
}

impl Config {
    /// The defaults, with this URL.
    pub fn with_url(url: impl Into<String>) -> Self {
        Self {
            url: Some(url.into()),
            url_file: None,
            password_file: None,
            ca_file: None,
            client_cert_file: None,
            client_key_file: None,
            pool_size: defaults::pool_size(),
            batch: defaults::batch(),
            batch_wait_ms: defaults::batch_wait_ms(),
            statement_timeout_s: defaults::statement_timeout_s(),
            candidates: defaults::candidates(),
        }
    }

    /// Checks every value.
    ///
    /// # Errors
    /// The first key that is wrong, and why.
    pub fn check(&self) -> Result<(), ConfigError> {
        let within = |key, value: u64, low: u64, high: u64| {
            if (low..=high).contains(&value) {
                return Ok(());
            }
            Err(ConfigError::new(key, format!("must be {low} to {high}")))
        };
        within("pool_size", self.pool_size as u64, 2, 64)?;
        within("batch", self.batch as u64, 1, 1024)?;
        within("batch_wait_ms", self.batch_wait_ms, 0, 1000)?;
        within("statement_timeout_s", self.statement_timeout_s, 1, 600)?;
        within("candidates", self.candidates as u64, 1, 10_000)?;
        self.parsed().map(|_| ())
    }

    /// The connection's parameters, with our own time limits.
    pub(crate) fn parsed(&self) -> Result<tokio_postgres::Config, ConfigError> {
        let (key, url) = match (&self.url, &self.url_file) {
            (Some(url), None) => ("url", url.clone()),
            (None, Some(path)) => ("url_file", content("url_file", path)?),
            (None, None) => return Err(ConfigError::new("url", "is missing (or give url_file)")),
            (Some(_), Some(_)) => return Err(ConfigError::new("url", "give url or url_file, not both")),
        };
        let mut parsed: tokio_postgres::Config = url
            .parse()
            .map_err(|_| ConfigError::new(key, "must be postgres://user:password@host:port/database"))?;
        if let Some(path) = &self.password_file {
            if parsed.get_password().is_some() {
                return Err(ConfigError::new("password_file", "give it, or a password in the URL, not both"));
            }
            parsed.password(content("password_file", path)?);
        }
        let statement = self.statement_timeout();
        // `prefer` would go on in clear with a server, or with anyone between, that says it has no TLS.
        let mode = if connect::wants_tls(self, &parsed) { SslMode::Require } else { SslMode::Disable };
        // A transaction is never idle for long, unless its process was stopped or cut off: then it gives its locks up before those who
        // wait for them do.
        // Plans are made for the tables as they are now: one kept from when they were empty would scan them when they are full.
        parsed
            .application_name("frontdesk")
            .ssl_mode(mode)
            .connect_timeout(connect::CONNECT_TIMEOUT)
            .tcp_user_timeout(statement)
            .keepalives_idle(Duration::from_secs(10))
            .keepalives_interval(Duration::from_secs(3))
            .keepalives_retries(3)
            .options(format!(
                "-c statement_timeout={0} -c lock_timeout={0} -c idle_in_transaction_session_timeout={1} \
                 -c log_parameter_max_length_on_error=0 -c jit=off -c plan_cache_mode=force_custom_plan",
                statement.as_millis(),
                statement.as_millis() / 2
            ));
        Ok(parsed)
    }

    /// The longest that a piece of work may take on one connection. Longer than one statement, so that the server's own limit is met first
    /// where it still answers.
    pub(crate) fn patience(&self) -> Duration {
        self.statement_timeout() * 3 / 2
    }

    pub(crate) const fn statement_timeout(&self) -> Duration {
        Duration::from_secs(self.statement_timeout_s)
    }
}

/// What a secret's file holds.
fn content(key: &'static str, path: &Path) -> Result<String, ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| ConfigError::new(key, format!("{} cannot be read: {error}", path.display())))?;
    Ok(text.trim().to_owned())
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("pool_size", &self.pool_size)
            .field("batch", &self.batch)
            .field("batch_wait_ms", &self.batch_wait_ms)
            .field("statement_timeout_s", &self.statement_timeout_s)
            .field("candidates", &self.candidates)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::Config;

    #[test]
    fn a_password_comes_from_its_file() {
        let file = std::env::temp_dir().join(format!("frontdesk-password-{}", std::process::id()));
        std::fs::write(&file, "s3cret\n").unwrap();
        let config = Config { password_file: Some(file.clone()), ..Config::with_url("postgres://a@b/c") };
        assert_eq!(config.parsed().unwrap().get_password(), Some(b"s3cret".as_slice()));
        std::fs::remove_file(file).unwrap();
    }

    #[test]
    fn errors_name_the_key_and_never_the_url() {
        let mut config = Config::with_url("not a url with secret-password");
        let error = config.check().unwrap_err();
        assert_eq!(error.key, "url");
        assert!(!error.to_string().contains("secret"));
        assert!(!format!("{config:?}").contains("secret"));

        config.url = None;
        assert_eq!(config.check().unwrap_err().key, "url");
        config.url_file = Some("/nowhere/at/all".into());
        assert_eq!(config.check().unwrap_err().key, "url_file");
        let password_file = Some("/nowhere/at/all".into());
        let config = Config { password_file: password_file.clone(), ..Config::with_url("postgres://a@b/c") };
        assert_eq!(config.check().unwrap_err().key, "password_file");
        let both = Config { password_file, ..Config::with_url("postgres://a:secret@b/c") };
        let error = both.check().unwrap_err();
        assert!(error.why.contains("not both") && !error.to_string().contains("secret"), "{error}");
        let config = Config { batch: 0, ..Config::with_url("postgres://a@b/c") };
        assert_eq!(config.check().unwrap_err().to_string(), "postgres.batch: must be 1 to 1024");
        assert!(Config::with_url("postgres://a@b/c").check().is_ok());
    }
}
