//! Who connects.

use std::sync::Arc;

use rustls::{
    ClientConfig, DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme,
    client::{
        ResolvesClientCert, Resumption, WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    pki_types::{CertificateDer, ServerName, UnixTime},
    sign::CertifiedKey,
};

use crate::{
    files::{CLIENT, Contents, Files, TlsError},
    follow::Followed,
    provider,
};

/// What a client trusts, and what it shows if the server asks who it is.
#[derive(Debug, Clone)]
pub struct Client(Arc<Followed<Trust>>);

#[derive(Debug)]
struct Trust {
    verifier: Arc<WebPkiServerVerifier>,
    identity: Option<Arc<CertifiedKey>>,
}

impl Client {
    /// Reads the files of a section of the settings. Without a `ca_file` the system's authorities are trusted.
    ///
    /// # Errors
    /// [`TlsError`] names the file's setting.
    pub fn new(section: &str, files: Files) -> Result<Self, TlsError> {
        Followed::new(section, CLIENT, files, trust).map(Self)
    }

    /// The configuration for a library that makes connections. It stays as it is; what it trusts and shows follows the files.
    ///
    /// # Errors
    /// [`TlsError`] if this machine's cryptographic library offers neither TLS 1.2 nor 1.3.
    pub fn config(&self) -> Result<ClientConfig, TlsError> {
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::new("ca_file", format!("TLS cannot be set up: {error}")))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Following(self.clone())))
            .with_client_cert_resolver(Arc::new(Following(self.clone())));
        // A resumed session would not look at certificates: one that is no longer trusted would live on.
        config.resumption = Resumption::disabled();
        Ok(config)
    }
}

fn trust(contents: &Contents) -> Result<Trust, TlsError> {
    let provider = provider();
    let roots = match &contents.ca {
        Some(file) => file.roots()?,
        None => {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            roots
        }
    };
    let verifier =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build().map_err(
            |_| TlsError::new("ca_file", "is missing, and this machine has no authorities of its own"),
        )?;
    Ok(Trust { verifier, identity: contents.identity(&provider)? })
}

/// The library's own check and choice, with what the files hold at the moment.
#[derive(Debug)]
struct Following(Client);

impl Following {
    fn now(&self) -> Arc<Trust> {
        self.0.0.current()
    }
}

impl ServerCertVerifier for Following {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.now().verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.now().verifier.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.now().verifier.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.now().verifier.supported_verify_schemes()
    }

    fn root_hint_subjects(&self) -> Option<&[DistinguishedName]> {
        None
    }
}

impl ResolvesClientCert for Following {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.now().identity.clone()
    }

    fn has_certs(&self) -> bool {
        self.now().identity.is_some()
    }
}
