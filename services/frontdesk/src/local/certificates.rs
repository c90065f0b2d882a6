//! TLS of a local run: an authority that is made at each start and known to nobody else, and one certificate for all that listens.

use std::path::PathBuf;

use anyhow::Context as _;
use testkit::certificates::{Authority, Identity};
use toml::{Table, Value};

use super::secrets::Secrets;

/// The certificates of a run.
pub struct Certificates {
    /// Whom the services and the command line trust.
    pub ca: PathBuf,
    /// What broker, database, gateway and ops API show.
    pub identity: Identity,
}

impl Certificates {
    /// Makes them anew.
    ///
    /// # Errors
    /// If they cannot be made or written.
    pub fn make(secrets: &Secrets) -> anyhow::Result<Self> {
        let folder = secrets.path("tls");
        let write = || {
            std::fs::create_dir_all(&folder)?;
            let authority = Authority::new("frontdesk local")?;
            let identity = authority.issue(&folder, "server", &["localhost", "127.0.0.1"])?;
            std::io::Result::Ok(Self { ca: authority.write(&folder, "ca")?, identity })
        };
        write().with_context(|| format!("cannot make certificates in {}", folder.display()))
    }

    /// What the services' configuration says of them.
    pub(super) fn settings(&self) -> Table {
        let text = |path: &PathBuf| Value::String(path.display().to_string());
        let trust = Table::from_iter([("ca_file".to_owned(), text(&self.ca))]);
        let show = Table::from_iter([
            ("cert_file".to_owned(), text(&self.identity.cert)),
            ("key_file".to_owned(), text(&self.identity.key)),
        ]);
        let sections = [
            ("amqp", &trust),
            ("management", &trust),
            ("postgres", &trust),
            ("gateway", &show),
            ("ops", &show),
        ];
        sections.map(|(name, files)| (name.to_owned(), Value::Table(files.clone()))).into_iter().collect()
    }
}
