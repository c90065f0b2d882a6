//! A private RabbitMQ node and a private Postgres cluster: own ports, own data folders, loopback only, started and stopped
//! by process number, never a service of the machine.

mod broker;
mod packages;
mod ports;
mod postgres;
mod programs;
mod ready;
mod running;
mod secure;
#[cfg(test)]
mod tests;

pub use broker::{Broker, BrokerPorts};
pub use packages::{NotInstalled, install};
pub use ports::{PortBlock, RESERVED, is_free};
pub use postgres::Postgres;
pub use programs::{BrokerPrograms, PostgresPrograms, in_path};
pub use ready::Ready;
pub use running::Running;
pub use secure::{BrokerTls, PostgresTls};

use std::{io, path::Path};

/// A backend could not be made ready. Each message is one line that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    /// A file or folder could not be made.
    #[error("cannot write {path}: {error}")]
    File {
        /// Which.
        path: String,
        /// Why.
        error: io::Error,
    },
    /// A program did not do its work.
    #[error("{program} failed: {error}; see {log}")]
    Program {
        /// Which.
        program: &'static str,
        /// How.
        error: io::Error,
        /// Its output.
        log: String,
    },
    /// The database server answers, but not as it should.
    #[error("the private Postgres does not do what is asked: {0}")]
    Database(#[from] crate::admin::AdminError),
    /// No user that Postgres could run as.
    #[error(
        "Postgres refuses to run as root, and there is no user postgres or nobody to run it as: run as another user, or give DATABASE_URL"
    )]
    NoUser,
    /// The data is another major version's.
    #[error(
        "{path} was made by PostgreSQL {found}, and PostgreSQL {here} is installed: remove the folder, or install that version"
    )]
    OtherVersion {
        /// The data.
        path: String,
        /// Whose it is.
        found: String,
        /// What there is.
        here: String,
    },
}

impl BackendError {
    fn file(path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.display().to_string();
        |error| Self::File { path, error }
    }
}

/// Writes a file that only its owner may read, in place of any that is there.
///
/// # Errors
/// If it cannot be written.
pub fn write_private(path: &Path, text: &str) -> io::Result<()> {
    use std::{io::Write as _, os::unix::fs::OpenOptionsExt as _};
    let beside = path.with_extension("new");
    std::fs::remove_file(&beside).or_else(|error| match error.kind() {
        io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    })?;
    let mut file = std::fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(&beside)?;
    file.write_all(text.as_bytes())?;
    std::fs::rename(&beside, path)
}

/// A folder, with those above it, that others may enter but not list or change.
fn folder(path: &Path, mode: u32) -> Result<(), BackendError> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::create_dir_all(path)
        .and_then(|()| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)))
        .map_err(BackendError::file(path))
}
