//! A program as it is to be run: beside the terminal's process group, with its output in a file.

use std::{
    ffi::{OsStr, OsString},
    fs::{File, OpenOptions},
    io,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use nix::sys::signal::Signal;
use tokio::process::{Child, Command};

/// What to run, and how to end it.
#[derive(Debug, Clone)]
pub struct Program {
    path: PathBuf,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    folder: Option<PathBuf>,
    log: PathBuf,
    user: Option<(u32, u32)>,
    /// The signal that ends it in good order.
    pub end: Signal,
    /// How long it may take over that before it is killed.
    pub grace: Duration,
}

impl Program {
    /// The program at `path`, whose output is added to the file `log`.
    pub fn new(path: impl Into<PathBuf>, log: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            args: Vec::new(),
            env: Vec::new(),
            folder: None,
            log: log.into(),
            user: None,
            end: Signal::SIGTERM,
            grace: Duration::from_secs(30),
        }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets a variable of its environment, beside those that it inherits.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Sets the folder that it runs in.
    #[must_use]
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Runs it as another user and group; only root can.
    #[must_use]
    pub fn user(mut self, user: Option<(u32, u32)>) -> Self {
        self.user = user;
        self
    }

    /// Sets how it is ended.
    #[must_use]
    pub fn ends_by(mut self, signal: Signal, grace: Duration) -> Self {
        (self.end, self.grace) = (signal, grace);
        self
    }

    /// The file with its output.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Starts it as the leader of a process group of its own, so that Ctrl-C at the terminal does not reach it.
    ///
    /// # Errors
    /// If the log cannot be written or the program cannot be started.
    pub fn spawn(&self) -> io::Result<Child> {
        let log = self.open_log()?;
        let mut command = Command::new(&self.path);
        command.args(&self.args).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).process_group(0);
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        // What runs here talks to loopback only: a proxy in the surroundings is not meant for it.
        command.env("NO_PROXY", "127.0.0.1,localhost").env("no_proxy", "127.0.0.1,localhost");
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        if let Some((uid, gid)) = self.user {
            command.uid(uid).gid(gid);
        }
        command.spawn()
    }

    /// Runs it to its end.
    ///
    /// # Errors
    /// As [`Program::spawn`], and if it does not exit with success.
    pub async fn run(&self) -> io::Result<()> {
        let status = self.spawn()?.wait().await?;
        if status.success() {
            Ok(())
        } else {
            Err(io::Error::other(format!("{} ended with {status}", self.path.display())))
        }
    }

    fn open_log(&self) -> io::Result<File> {
        OpenOptions::new().create(true).append(true).open(&self.log)
    }
}

#[cfg(test)]
mod tests {
    use super::Program;

    #[tokio::test]
    async fn output_and_failure_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let shell = |script: &str| Program::new("/bin/sh", &log).args(["-c", script]).env("WORD", "heard");
        shell("echo out $WORD; echo err >&2").run().await.unwrap();
        assert!(shell("exit 3").run().await.is_err());
        assert_eq!(std::fs::read_to_string(&log).unwrap(), "out heard\nerr\n");
    }
}
