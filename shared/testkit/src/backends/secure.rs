//! TLS of the private backends.

use std::{
    fmt::Write as _,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use crate::certificates::Identity;

/// Where and how a broker listens with TLS, beside where it listens without. It takes the common name of a client's certificate for a
/// user's name where the client wants that (`EXTERNAL`).
#[derive(Debug, Clone)]
pub struct BrokerTls {
    /// AMQPS.
    pub amqp: SocketAddr,
    /// Management API over HTTPS.
    pub management: SocketAddr,
    /// The authority whose certificates clients must show, if they must.
    pub ca: PathBuf,
    /// What the broker shows.
    pub identity: Identity,
    /// Whether clients must show a certificate.
    pub asks: bool,
}

impl BrokerTls {
    pub(super) fn configuration(&self) -> String {
        let Self { amqp, management, ca, identity, asks } = self;
        let verify = if *asks { "verify_peer" } else { "verify_none" };
        let mut text = format!(
            "listeners.ssl.1 = {amqp}\n\
             auth_mechanisms.1 = PLAIN\nauth_mechanisms.2 = AMQPLAIN\nauth_mechanisms.3 = EXTERNAL\n\
             ssl_cert_login_from = common_name\n\
             ssl_options.versions.1 = tlsv1.3\nssl_options.versions.2 = tlsv1.2\n\
             management.ssl.ip = {}\nmanagement.ssl.port = {}\n",
            management.ip(),
            management.port()
        );
        for place in ["ssl_options", "management.ssl"] {
            let (ca, cert, key) = (ca.display(), identity.cert.display(), identity.key.display());
            let _ = write!(
                text,
                "{place}.cacertfile = {ca}\n{place}.certfile = {cert}\n{place}.keyfile = {key}\n\
                 {place}.verify = {verify}\n{place}.fail_if_no_peer_cert = {asks}\n"
            );
        }
        text
    }
}

/// How a database speaks TLS.
#[derive(Debug, Clone)]
pub struct PostgresTls {
    /// The authority whose certificates clients must show who speak TLS, if they must.
    pub ca: PathBuf,
    /// What the server shows.
    pub identity: Identity,
    /// Whether clients who speak TLS must show a certificate.
    pub asks: bool,
    /// Whether who does not speak TLS is refused at the line's database.
    pub only: bool,
}

const FILES: [&str; 3] = ["ca.pem", "server.pem", "server.key"];

impl PostgresTls {
    pub(super) fn files(&self) -> impl Iterator<Item = (&Path, &'static str)> {
        [self.ca.as_path(), &self.identity.cert, &self.identity.key].into_iter().zip(FILES)
    }

    pub(super) fn settings(home: &Path) -> Vec<String> {
        let files = ["ssl_ca_file", "ssl_cert_file", "ssl_key_file"].into_iter().zip(FILES);
        let files = files.map(|(setting, name)| format!("{setting}={}", home.join(name).display()));
        std::iter::once("ssl=on".to_owned()).chain(files).collect()
    }

    pub(super) fn access(&self, database: &str) -> String {
        let plain = if self.only { format!("hostnossl {database} all all reject\n") } else { String::new() };
        let asks = if self.asks { " clientcert=verify-ca" } else { "" };
        format!("hostssl all all all scram-sha-256{asks}\n{plain}host all all all scram-sha-256\n")
    }
}
