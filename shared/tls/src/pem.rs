//! For libraries that take PEM.

use std::{fmt, sync::Arc};

use crate::{
    files::{CLIENT, Contents, Files, TlsError},
    follow::Followed,
    provider,
};

/// What a client's files hold, checked, as they are. To be asked for again for each connection.
#[derive(Debug, Clone)]
pub struct PemFiles(Arc<Followed<Pem>>);

/// The files as they are now.
pub struct Pem {
    /// The authorities that are trusted; the system's if `None`.
    pub ca: Option<Vec<u8>>,
    /// Our certificate and its key.
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
}

impl PemFiles {
    /// Reads the files of a section of the settings.
    ///
    /// # Errors
    /// [`TlsError`] names the file's setting.
    pub fn new(section: &str, files: Files) -> Result<Self, TlsError> {
        Followed::new(section, CLIENT, files, pem).map(Self)
    }

    /// What they hold now, or held when they could be used last.
    pub fn now(&self) -> Arc<Pem> {
        self.0.current()
    }
}

fn pem(contents: &Contents) -> Result<Pem, TlsError> {
    // Read for the check alone.
    contents.ca.as_ref().map(|file| file.roots()).transpose()?;
    contents.identity(&provider())?;
    Ok(Pem {
        ca: contents.ca.as_ref().map(|file| file.bytes.clone()),
        identity: contents.identity.as_ref().map(|(cert, key)| (cert.bytes.clone(), key.bytes.clone())),
    })
}

impl fmt::Debug for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pem").finish_non_exhaustive()
    }
}
