//! Certificates for tests and the local runner: an authority of one's own, and what it signs.

use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

use crate::{backends::write_private, sandbox::pem::pem};

/// An authority that exists as long as this value.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
}

/// A certificate with its key, in files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The certificate.
    pub cert: PathBuf,
    /// Its private key, readable by its owner only.
    pub key: PathBuf,
}

impl Authority {
    /// A new one.
    ///
    /// # Errors
    /// If the cryptographic library refuses.
    pub fn new(name: &str) -> io::Result<Self> {
        let mut params = CertificateParams::new(Vec::new()).map_err(io::Error::other)?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let certificate = pem("CERTIFICATE", params.self_signed(&key).map_err(io::Error::other)?.der());
        Ok(Self { issuer: Issuer::new(params, key), certificate })
    }

    /// Its certificate, PEM.
    pub fn pem(&self) -> &str {
        &self.certificate
    }

    /// Writes its certificate to `<folder>/<name>.pem`.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, folder: &Path, name: &str) -> io::Result<PathBuf> {
        let path = folder.join(format!("{name}.pem"));
        fs::write(&path, &self.certificate)?;
        Ok(path)
    }

    /// A certificate for these host names and addresses, good for servers and for clients, as `<name>.pem` and `<name>.key` in the
    /// folder. Its common name is `name`. What is there is replaced.
    ///
    /// # Errors
    /// If it cannot be made or written.
    pub fn issue(&self, folder: &Path, name: &str, hosts: &[&str]) -> io::Result<Identity> {
        self.issue_until(folder, name, hosts, 4096)
    }

    /// As [`Self::issue`], good until that year begins.
    ///
    /// # Errors
    /// If it cannot be made or written.
    pub fn issue_until(&self, folder: &Path, name: &str, hosts: &[&str], year: i32) -> io::Result<Identity> {
        let hosts: Vec<String> = hosts.iter().map(|&host| host.to_owned()).collect();
        let mut params = CertificateParams::new(hosts).map_err(io::Error::other)?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        params.not_after = date_time_ymd(year, 1, 1);
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let cert = params.signed_by(&key, &self.issuer).map_err(io::Error::other)?;
        let identity =
            Identity { cert: folder.join(format!("{name}.pem")), key: folder.join(format!("{name}.key")) };
        fs::write(&identity.cert, pem("CERTIFICATE", cert.der()))?;
        write_private(&identity.key, &pem("PRIVATE KEY", &key.serialize_der()))?;
        Ok(identity)
    }
}

/// TLS before a server that has none: takes connections, and hands on what they say in clear, on this machine.
pub struct Front {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Front {
    /// Listens at a free port for who wants to reach `server`.
    ///
    /// # Errors
    /// If there is no free port.
    pub async fn start(acceptor: tls::Acceptor, server: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                open.spawn(async move {
                    let mut secure = acceptor.accept(stream).await?;
                    let mut plain = TcpStream::connect(server).await?;
                    copy_bidirectional(&mut secure, &mut plain).await
                });
                while open.try_join_next().is_some() {}
            }
        });
        Ok(Self { address, task })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.task.abort();
    }
}
