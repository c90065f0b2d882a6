//! The pool: connections that are checked before use, over TLS wherever the server is not on this machine.

use std::{net::IpAddr, sync::Arc, time::Duration};

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use rustls::{ClientConfig, RootCertStore, pki_types::CertificateDer, pki_types::pem::PemObject};
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

/// TLS unless switched off by `sslmode=disable`, or the server is on this machine and nothing asks for it.
pub(crate) fn tls(
    config: &Config,
    parsed: &tokio_postgres::Config,
) -> Result<Option<MakeRustlsConnect>, ConfigError> {
    let wanted = match parsed.get_ssl_mode() {
        SslMode::Disable => false,
        SslMode::Prefer => config.ca_file.is_some() || !parsed.get_hosts().iter().all(is_local),
        _ => true,
    };
    if !wanted {
        return Ok(None);
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| ConfigError::new("url", format!("TLS cannot be set up: {error}")))?
        .with_root_certificates(roots(config)?)
        .with_no_client_auth();
    Ok(Some(MakeRustlsConnect::new(tls)))
}

fn roots(config: &Config) -> Result<RootCertStore, ConfigError> {
    let mut roots = RootCertStore::empty();
    let Some(path) = &config.ca_file else {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        return Ok(roots);
    };
    let wrong = |why: String| ConfigError::new("ca_file", format!("{}: {why}", path.display()));
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| wrong(error.to_string()))? {
        let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
        roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(wrong("holds no certificate".to_owned()));
    }
    Ok(roots)
}

fn is_local(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback()),
        Host::Unix(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::{Config, tls};

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
    }

    #[test]
    fn a_wrong_authority_file_is_named() {
        let mut config = Config::with_url("postgres://a@db.example.org/b");
        config.ca_file = Some("/nowhere/ca.pem".into());
        assert_eq!(tls(&config, &config.parsed().unwrap()).err().unwrap().key, "ca_file");
    }
}
