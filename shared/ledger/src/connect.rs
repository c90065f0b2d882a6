//! The pool: connections that are checked before use, over TLS wherever the server is not on this machine.

use std::{net::IpAddr, time::Duration};

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::{Config, ConfigError};

/// Name, connection, TLS and password together.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// An idle connection that does not answer an empty statement so soon is thrown away. Connections that went dead together are found out
/// one after the other.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

/// A pool that opens connections when they are needed, and never hands out a dead one.
pub(crate) fn pool(config: &Config) -> Result<Pool, ConfigError> {
    let parsed = config.parsed()?;
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Verified };
    let manager = match tls(config, &parsed)? {
        Some(tls) => Manager::from_config(parsed, tls, recycling),
        None => Manager::from_config(parsed, tokio_postgres::NoTls, recycling),
    };
    Pool::builder(manager)
        .max_size(config.pool_size)
        .wait_timeout(Some(config.statement_timeout()))
        .create_timeout(Some(CONNECT_TIMEOUT))
        .recycle_timeout(Some(CHECK_TIMEOUT))
        .runtime(Runtime::Tokio1)
        .build()
        .map_err(|_| ConfigError::new("pool_size", "the pool cannot be built"))
}

/// Whether TLS is spoken: unless switched off by `sslmode=disable`, or the server is on this machine and nothing asks for it.
pub(crate) fn wants_tls(config: &Config, parsed: &tokio_postgres::Config) -> bool {
    match parsed.get_ssl_mode() {
        SslMode::Disable => false,
        SslMode::Prefer => config.ca_file.is_some() || !parsed.get_hosts().iter().all(is_local),
        _ => true,
    }
}

/// What makes connections with TLS, where it is spoken. What it trusts and shows follows the files.
pub(crate) fn tls(
    config: &Config,
    parsed: &tokio_postgres::Config,
) -> Result<Option<MakeRustlsConnect>, ConfigError> {
    if !wants_tls(config, parsed) {
        return Ok(None);
    }
    let files = tls::Files {
        ca: config.ca_file.clone(),
        cert: config.client_cert_file.clone(),
        key: config.client_key_file.clone(),
    };
    let client = tls::Client::new("postgres", files).and_then(|client| client.config());
    let client = client.map_err(|error| ConfigError::new(error.key, error.why))?;
    Ok(Some(MakeRustlsConnect::new(client)))
}

fn is_local(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback()),
        Host::Unix(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::{Config, SslMode, tls};

    fn encrypted(url: &str) -> bool {
        let config = Config::with_url(url);
        tls(&config, &config.parsed().unwrap()).unwrap().is_some()
    }

    #[test]
    fn only_this_machine_is_spoken_to_in_clear_and_only_unless_asked() {
        assert!(!encrypted("postgres://a@127.0.0.1/b"));
        assert!(!encrypted("postgres://a@localhost/b"));
        assert!(encrypted("postgres://a@127.0.0.1/b?sslmode=require"));
        assert!(encrypted("postgres://a@db.example.org/b"));
        assert!(!encrypted("postgres://a@db.example.org/b?sslmode=disable"));
        let mode = |url: &str| Config::with_url(url).parsed().unwrap().get_ssl_mode();
        assert_eq!(mode("postgres://a@db.example.org/b"), SslMode::Require, "nobody can talk us out of it");
        assert_eq!(mode("postgres://a@localhost/b"), SslMode::Disable);
    }

    #[test]
    fn a_wrong_authority_file_is_named() {
        let mut config = Config::with_url("postgres://a@db.example.org/b");
        config.ca_file = Some("/nowhere/ca.pem".into());
        assert_eq!(tls(&config, &config.parsed().unwrap()).err().unwrap().key, "ca_file");
    }
}
