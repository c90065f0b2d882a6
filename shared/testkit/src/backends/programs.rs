//! Finding the programs of RabbitMQ and Postgres on the machine.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

/// The programs of a RabbitMQ node.
#[derive(Debug, Clone)]
pub struct BrokerPrograms {
    /// The script that starts the node as the user who calls it.
    pub server: PathBuf,
    /// Erlang's port mapper.
    pub epmd: PathBuf,
}

/// The programs of a Postgres cluster.
#[derive(Debug, Clone)]
pub struct PostgresPrograms {
    /// Makes the data folder.
    pub initdb: PathBuf,
    /// The server.
    pub postgres: PathBuf,
    /// The major version.
    pub version: String,
}

impl BrokerPrograms {
    /// Looks where Debian and Ubuntu keep them, then in the path.
    pub fn find() -> Option<Self> {
        // The script of that name in /usr/sbin switches to a user of its own; this one does not.
        let server = executable(Path::new("/usr/lib/rabbitmq/bin/rabbitmq-server").to_owned())
            .or_else(|| in_path("rabbitmq-server"))?;
        let epmd = in_path("epmd")
            .or_else(|| executable(PathBuf::from("/usr/lib/erlang/bin/epmd")))
            .or_else(|| newest("/usr/lib/erlang", "erts-", "bin/epmd"))?;
        Some(Self { server, epmd })
    }
}

impl PostgresPrograms {
    /// Looks where Debian and Ubuntu keep them (the newest version), then in the path.
    pub fn find() -> Option<Self> {
        let postgres = newest("/usr/lib/postgresql", "", "bin/postgres").or_else(|| in_path("postgres"))?;
        let initdb = executable(postgres.with_file_name("initdb"))?;
        let output = std::process::Command::new(&postgres).arg("--version").output().ok()?;
        let version = major(&String::from_utf8_lossy(&output.stdout))?;
        Some(Self { initdb, postgres, version })
    }
}

/// The program of that name in the path of searched folders.
#[allow(clippy::disallowed_methods, reason = "the path is where programs are found")]
pub fn in_path(name: &str) -> Option<PathBuf> {
    let folders = std::env::var("PATH").ok()?;
    std::env::split_paths(&folders).find_map(|folder| executable(folder.join(name)))
}

/// The version in a text such as `postgres (PostgreSQL) 15.8 (Debian …)`.
fn major(text: &str) -> Option<String> {
    let number = text.split_once("(PostgreSQL) ")?.1;
    let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
    (!digits.is_empty()).then_some(digits)
}

/// The program in the folder with the highest number after `prefix`.
fn newest(parent: &str, prefix: &str, program: &str) -> Option<PathBuf> {
    let mut found: Vec<(Vec<u32>, PathBuf)> = fs::read_dir(parent)
        .ok()?
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let version = name.strip_prefix(prefix)?.split('.').map(str::parse).collect::<Result<_, _>>();
            Some((version.ok()?, executable(entry.path().join(program))?))
        })
        .collect();
    found.sort();
    found.pop().map(|(_, path)| path)
}

fn executable(path: PathBuf) -> Option<PathBuf> {
    let meta = fs::metadata(&path).ok()?;
    (meta.is_file() && meta.permissions().mode() & 0o111 != 0).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::{in_path, major, newest};

    #[test]
    fn reads_the_major_version() {
        assert_eq!(major("postgres (PostgreSQL) 15.8 (Debian 15.8-0+deb12u1)\n").as_deref(), Some("15"));
        assert_eq!(major("postgres (PostgreSQL) 18beta1").as_deref(), Some("18"));
        assert_eq!(major("something else"), None);
    }

    #[test]
    fn ten_is_newer_than_nine() {
        let folder = tempfile::tempdir().unwrap();
        for version in ["9.6", "10", "x"] {
            let bin = folder.path().join(version);
            std::fs::create_dir_all(&bin).unwrap();
            std::os::unix::fs::symlink("/bin/sh", bin.join("server")).unwrap();
        }
        let found = newest(folder.path().to_str().unwrap(), "", "server").unwrap();
        assert!(found.starts_with(folder.path().join("10")));
        assert!(in_path("sh").is_some() && in_path("no-such-program").is_none());
    }
}
