//! A private Postgres cluster.

use std::{
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    net::SocketAddr,
    os::unix::fs::{MetadataExt as _, chown},
    path::{Path, PathBuf},
    time::Duration,
};

use nix::{
    sys::signal::Signal,
    unistd::{Uid, User},
};

use super::{BackendError, PostgresPrograms, PostgresTls, Ready, folder, write_private};
use crate::{admin::DatabaseAdmin, process::Program};

/// The superuser of the cluster.
const USER: &str = "frontdesk";
/// The database that is made.
const DATABASE: &str = "frontdesk";
/// Where the data goes if the server's user cannot enter the checkout.
const ELSEWHERE: &str = "/var/lib/frontdesk-local";

/// Settings beside the addresses. Statements, parameters and rows stay out of the log, for they hold personal data: an error
/// is told to the client that caused it. When a transaction was committed is kept: checks compare it with what others saw.
const SETTINGS: [&str; 17] = [
    "fsync=on",
    "track_commit_timestamp=on",
    "unix_socket_directories=",
    "max_connections=300",
    "timezone=UTC",
    "log_timezone=UTC",
    "logging_collector=off",
    "log_min_messages=log",
    "log_min_error_statement=panic",
    "log_error_verbosity=terse",
    "log_statement=none",
    "log_min_duration_statement=-1",
    "log_min_duration_sample=-1",
    "log_parameter_max_length=0",
    "log_parameter_max_length_on_error=0",
    "log_autovacuum_min_duration=-1",
    "log_checkpoints=off",
];

/// A Postgres cluster in a folder of its own.
pub struct Postgres {
    programs: PostgresPrograms,
    home: PathBuf,
    log: PathBuf,
    address: SocketAddr,
    password: String,
    user: Option<(u32, u32)>,
    tls: Option<PostgresTls>,
}

impl Postgres {
    /// A cluster whose data is in `home` (or elsewhere, see [`Postgres::home`]) and whose log is in `logs`.
    /// The password is letters and digits.
    ///
    /// # Errors
    /// [`BackendError::NoUser`]: the server does not run as root.
    pub fn new(
        programs: PostgresPrograms,
        (home, logs): (&Path, &Path),
        address: SocketAddr,
        password: &str,
    ) -> Result<Self, BackendError> {
        let user =
            if Uid::effective().is_root() { Some(other_user().ok_or(BackendError::NoUser)?) } else { None };
        let home = match user {
            Some(ids) if !may_reach(home, ids) => elsewhere(home),
            _ => home.to_owned(),
        };
        Ok(Self {
            programs,
            home,
            log: logs.join("postgres.log"),
            address,
            password: password.to_owned(),
            user,
            tls: None,
        })
    }

    /// Lets it speak TLS.
    #[must_use]
    pub fn with_tls(mut self, tls: PostgresTls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Where the data is: not in the checkout if we are root and the user that the server runs as cannot enter it.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Forgets all data.
    ///
    /// # Errors
    /// [`BackendError::File`].
    pub fn wipe(&self) -> Result<(), BackendError> {
        match fs::remove_dir_all(&self.home) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(BackendError::File { path: self.home.display().to_string(), error })
            }
            _ => Ok(()),
        }
    }

    /// Makes the cluster, unless it is there.
    ///
    /// # Errors
    /// [`BackendError`].
    pub async fn prepare(&self) -> Result<(), BackendError> {
        let made = self.home.join("made");
        if made.exists() {
            self.same_version()?;
            return self.prepare_tls();
        }
        // What an interrupted start left is no cluster.
        self.wipe()?;
        folder(&self.home, 0o700)?;
        let password = self.home.join("password");
        write_private(&password, &self.password).map_err(BackendError::file(&password))?;
        for path in [&self.home, &password] {
            self.give(path)?;
        }
        let initdb = Program::new(&self.programs.initdb, &self.log)
            .args(["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "-U", USER, "-D"])
            .arg(self.home.join("data"))
            .arg(format!("--pwfile={}", password.display()))
            .folder(&self.home)
            .user(self.user);
        initdb.run().await.map_err(|error| BackendError::Program {
            program: "initdb",
            error,
            log: self.log.display().to_string(),
        })?;
        fs::remove_file(&password).map_err(BackendError::file(&password))?;
        fs::write(&made, "").map_err(BackendError::file(&made))?;
        self.prepare_tls()
    }

    /// Puts the certificates where the server's user can read them, and says who may connect how.
    fn prepare_tls(&self) -> Result<(), BackendError> {
        let Some(tls) = &self.tls else { return Ok(()) };
        for (from, name) in tls.files() {
            let to = self.home.join(name);
            let text = fs::read_to_string(from).map_err(BackendError::file(from))?;
            write_private(&to, &text).map_err(BackendError::file(&to))?;
            self.give(&to)?;
        }
        let access = self.home.join("data/pg_hba.conf");
        fs::write(&access, tls.access(DATABASE)).map_err(BackendError::file(&access))
    }

    fn same_version(&self) -> Result<(), BackendError> {
        let data = self.home.join("data");
        let path = data.join("PG_VERSION");
        let found = fs::read_to_string(&path).map_err(BackendError::file(&path))?.trim().to_owned();
        if found == self.programs.version {
            Ok(())
        } else {
            let here = self.programs.version.clone();
            Err(BackendError::OtherVersion { path: self.home.display().to_string(), found, here })
        }
    }

    fn give(&self, path: &Path) -> Result<(), BackendError> {
        match self.user {
            Some((uid, gid)) => chown(path, Some(uid), Some(gid)).map_err(BackendError::file(path)),
            None => Ok(()),
        }
    }

    /// The server.
    pub fn server(&self) -> Program {
        let mut server = Program::new(&self.programs.postgres, &self.log)
            .arg("-D")
            .arg(self.home.join("data"))
            .args(["-c", &format!("listen_addresses={}", self.address.ip())])
            .args(["-c", &format!("port={}", self.address.port())]);
        for setting in SETTINGS {
            server = server.args(["-c", setting]);
        }
        if self.tls.is_some() {
            for setting in PostgresTls::settings(&self.home) {
                server = server.args(["-c", &setting]);
            }
        }
        // The interrupt is Postgres's *fast* shutdown: open sessions are ended, nothing is lost.
        server.folder(&self.home).user(self.user).ends_by(Signal::SIGINT, Duration::from_secs(20))
    }

    /// The server's sign.
    pub fn ready(&self) -> Ready {
        Ready::Queries(self.url_of("postgres"))
    }

    /// Makes the database, unless it is there. The server must be ready.
    ///
    /// # Errors
    /// [`BackendError::Database`].
    pub async fn create_database(&self) -> Result<(), BackendError> {
        Ok(DatabaseAdmin::new(&self.url_of("postgres"))?.create(DATABASE).await?)
    }

    /// The URL of the database, with user and password.
    pub fn url(&self) -> String {
        self.url_of(DATABASE)
    }

    /// The URL of the database over TLS, by the host's name.
    pub fn tls_url(&self) -> String {
        let port = self.address.port();
        format!("postgres://{USER}:{}@localhost:{port}/{DATABASE}?sslmode=require", self.password)
    }

    fn url_of(&self, database: &str) -> String {
        format!("postgres://{USER}:{}@{}/{database}", self.password, self.address)
    }
}

/// A user without privileges that the machine has.
fn other_user() -> Option<(u32, u32)> {
    let found = ["postgres", "nobody"].iter().find_map(|name| User::from_name(name).ok().flatten())?;
    Some((found.uid.as_raw(), found.gid.as_raw()))
}

/// Whether the user may enter every existing folder above `path`.
fn may_reach(path: &Path, (uid, gid): (u32, u32)) -> bool {
    path.ancestors().skip(1).filter_map(|folder| fs::metadata(folder).ok()).all(|meta| {
        let enter = if meta.uid() == uid {
            0o100
        } else if meta.gid() == gid {
            0o010
        } else {
            0o001
        };
        meta.mode() & enter != 0
    })
}

/// A folder of this checkout's own that the server's user can reach.
fn elsewhere(home: &Path) -> PathBuf {
    let mut hasher = DefaultHasher::new();
    home.hash(&mut hasher);
    Path::new(ELSEWHERE).join(format!("{:016x}", hasher.finish()))
}

#[cfg(test)]
mod tests {
    use super::{elsewhere, may_reach};
    use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

    #[test]
    fn a_closed_folder_above_is_noticed() {
        let top = tempfile::tempdir().unwrap();
        let closed = top.path().join("closed");
        let home = closed.join("open/postgres");
        fs::create_dir_all(home.parent().unwrap()).unwrap();
        let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        mode(top.path(), 0o755);
        mode(&closed, 0o755);
        let stranger = (54_321, 54_321);
        assert!(may_reach(&home, stranger));
        mode(&closed, 0o700);
        assert!(!may_reach(&home, stranger));
    }

    #[test]
    fn two_checkouts_do_not_share_a_folder() {
        assert_ne!(elsewhere(Path::new("/a/postgres")), elsewhere(Path::new("/b/postgres")));
        assert!(elsewhere(Path::new("/a")).starts_with("/var/lib/frontdesk-local"));
    }
}
