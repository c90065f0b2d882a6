//! Who listens.

use std::{io, sync::Arc};

use rustls::{ServerConfig, server::WebPkiClientVerifier, sign::SingleCertAndKey};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::{
    files::{Contents, Files, LISTENER, TlsError},
    follow::Followed,
    provider,
};

/// What a listener shows, and whom it lets in.
#[derive(Debug, Clone)]
pub struct Acceptor(Arc<Followed<Arc<ServerConfig>>>);

impl Acceptor {
    /// Reads the files of a section of the settings: `cert_file`, `key_file`, and `client_ca_file` as [`Files::ca`]. With that, only a
    /// client with a certificate of one of its authorities is let in.
    ///
    /// # Errors
    /// [`TlsError`] names the file's setting.
    pub fn new(section: &str, files: Files) -> Result<Self, TlsError> {
        Followed::new(section, LISTENER, files, config).map(Self)
    }

    /// Shakes hands with one who connected. Takes as long as the peer does: bound it.
    ///
    /// # Errors
    /// Whatever is wrong with the peer: no TLS, too old a version, no certificate where one is asked for, or one that is not trusted.
    pub async fn accept<S>(&self, stream: S) -> io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        TlsAcceptor::from(Arc::clone(&*self.0.current())).accept(stream).await
    }
}

/// A new one whenever a file changes, with a memory of its own for sessions: none that an old authority began is resumed.
fn config(contents: &Contents) -> Result<Arc<ServerConfig>, TlsError> {
    let provider = provider();
    let identity = contents
        .identity(&provider)?
        .ok_or_else(|| TlsError::new("cert_file", "is missing: a listener must show a certificate"))?;
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::new("cert_file", format!("TLS cannot be set up: {error}")))?;
    let builder = match &contents.ca {
        None => builder.with_no_client_auth(),
        Some(file) => {
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(file.roots()?), provider)
                .build()
                .map_err(|error| TlsError::new("client_ca_file", error.to_string()))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(identity)));
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
