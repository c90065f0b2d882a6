//! What the files hold.

use std::{fs, path::PathBuf, sync::Arc};

use aws_lc_rs::digest;
use rustls::{
    RootCertStore,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    sign::CertifiedKey,
};
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// The files of one client or one listener, all PEM.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Files {
    /// The authorities whose certificates the peer may show. A client without takes the system's; a listener without asks for none.
    pub ca: Option<PathBuf>,
    /// Our certificate, and those between it and its authority.
    pub cert: Option<PathBuf>,
    /// Its private key.
    pub key: Option<PathBuf>,
}

/// How the settings name the files.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keys {
    pub(crate) ca: &'static str,
    pub(crate) cert: &'static str,
    pub(crate) key: &'static str,
}

/// Of who connects.
pub(crate) const CLIENT: Keys = Keys { ca: "ca_file", cert: "client_cert_file", key: "client_key_file" };
/// Of who listens.
pub(crate) const LISTENER: Keys = Keys { ca: "client_ca_file", cert: "cert_file", key: "key_file" };

/// A file that cannot be used. Quotes nothing of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {why}")]
pub struct TlsError {
    /// The setting that names the file, without its section, such as `ca_file`.
    pub key: &'static str,
    /// What is wrong, with the file's name.
    pub why: String,
}

impl TlsError {
    pub(crate) fn new(key: &'static str, why: impl Into<String>) -> Self {
        Self { key, why: why.into() }
    }
}

/// One file as it was read.
pub(crate) struct Read {
    /// The setting that names it.
    pub(crate) key: &'static str,
    path: PathBuf,
    pub(crate) bytes: Vec<u8>,
}

/// All files, read one after the other.
pub(crate) struct Contents {
    pub(crate) ca: Option<Read>,
    pub(crate) identity: Option<(Read, Read)>,
}

impl Files {
    /// Whether none is named.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(crate) fn read(&self, keys: Keys) -> Result<Contents, TlsError> {
        let read = |key: &'static str, path: &PathBuf| match fs::read(path) {
            Ok(bytes) => Ok(Read { key, path: path.clone(), bytes }),
            Err(error) => Err(TlsError::new(key, format!("{} cannot be read: {error}", path.display()))),
        };
        let ca = self.ca.as_ref().map(|path| read(keys.ca, path)).transpose()?;
        let identity = match (&self.cert, &self.key) {
            (Some(cert), Some(key)) => Some((read(keys.cert, cert)?, read(keys.key, key)?)),
            (None, None) => None,
            (Some(_), None) => {
                return Err(TlsError::new(keys.key, format!("is missing: it goes with {}", keys.cert)));
            }
            (None, Some(_)) => {
                return Err(TlsError::new(keys.cert, format!("is missing: it goes with {}", keys.key)));
            }
        };
        Ok(Contents { ca, identity })
    }
}

impl Read {
    fn wrong(&self, why: &str) -> TlsError {
        TlsError::new(self.key, format!("{} {why}", self.path.display()))
    }

    fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&self.bytes).collect();
        let read = read.map_err(|_| self.wrong("is not PEM"))?;
        if read.is_empty() { Err(self.wrong("holds no certificate")) } else { Ok(read) }
    }

    /// The authorities in it.
    pub(crate) fn roots(&self) -> Result<RootCertStore, TlsError> {
        let mut roots = RootCertStore::empty();
        for certificate in self.certificates()? {
            roots.add(certificate).map_err(|_| self.wrong("holds what is no certificate"))?;
        }
        Ok(roots)
    }
}

impl Contents {
    /// Our certificate with its key, which must belong together.
    pub(crate) fn identity(&self, provider: &CryptoProvider) -> Result<Option<Arc<CertifiedKey>>, TlsError> {
        let Some((cert, key)) = &self.identity else { return Ok(None) };
        let chain = cert.certificates()?;
        let der = PrivateKeyDer::from_pem_slice(&key.bytes).map_err(|_| key.wrong("holds no private key"))?;
        let certified = CertifiedKey::from_der(chain, der, provider)
            .map_err(|_| key.wrong("is not the key of the certificate"))?;
        Ok(Some(Arc::new(certified)))
    }

    /// Something that changes whenever a file does.
    pub(crate) fn print(&self) -> [u8; 32] {
        let mut context = digest::Context::new(&digest::SHA256);
        let identity = self.identity.iter().flat_map(|(cert, key)| [cert, key]);
        for file in self.ca.iter().chain(identity) {
            context.update(&(file.bytes.len() as u64).to_be_bytes());
            context.update(&file.bytes);
        }
        let mut print = [0; 32];
        print.copy_from_slice(context.finish().as_ref());
        print
    }

    /// Until when each file is good for anything, seconds since 1970: our certificate until it ends, authorities until the last of them does.
    pub(crate) fn not_after(&self) -> Vec<(&'static str, i64)> {
        let ends = |file: &Read| -> Vec<i64> {
            let certificates = file.certificates().unwrap_or_default();
            let end = |der: &CertificateDer<'_>| {
                X509Certificate::from_der(der).ok().map(|(_, read)| read.validity().not_after.timestamp())
            };
            certificates.iter().filter_map(end).collect()
        };
        let ca = self.ca.iter().filter_map(|file| Some((file.key, ends(file).into_iter().max()?)));
        let own = self.identity.iter().filter_map(|(cert, _)| Some((cert.key, *ends(cert).first()?)));
        ca.chain(own).collect()
    }
}
