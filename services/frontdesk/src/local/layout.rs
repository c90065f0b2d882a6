//! Where everything lies.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};

const RUNNER_LOG: &str = "runner.log";

/// The folders of one local run: the checkout, and the run's own folder, `.frontdesk/` in it.
#[derive(Debug, Clone)]
pub struct Layout {
    checkout: PathBuf,
    root: PathBuf,
}

impl Layout {
    /// The checkout is the given one, or the nearest around the working folder or around this program;
    /// the run's folder is the given one, or `.frontdesk/` in the checkout.
    ///
    /// # Errors
    /// If there is no checkout.
    pub fn find(checkout: Option<&Path>, root: Option<&Path>) -> anyhow::Result<Self> {
        let checkout = match checkout {
            Some(given) if is_checkout(given) => given.to_owned(),
            Some(given) => {
                bail!("{} is not a checkout of Frontdesk: it has no clinics/ and services/", given.display())
            }
            None => [std::env::current_dir().ok(), std::env::current_exe().ok()]
                .iter()
                .flatten()
                .find_map(|from| from.ancestors().find(|folder| is_checkout(folder)))
                .context("no checkout of Frontdesk around this folder: run it there, or say --checkout DIR")?
                .to_owned(),
        };
        let checkout = fs::canonicalize(checkout)?;
        let root = match root {
            Some(given) => std::path::absolute(given)?,
            None => checkout.join(".frontdesk"),
        };
        Ok(Self { checkout, root })
    }

    /// As [`Self::find`], for commands that ask an API elsewhere: where no checkout is around, the working folder stands for it.
    ///
    /// # Errors
    /// If the folder that is given is no checkout, or there is no working folder.
    pub fn find_or_here(checkout: Option<&Path>, root: Option<&Path>) -> anyhow::Result<Self> {
        match Self::find(checkout, root) {
            Err(_) if checkout.is_none() => {
                let checkout = std::env::current_dir()?;
                let root = root.map_or_else(|| Ok(checkout.join(".frontdesk")), std::path::absolute)?;
                Ok(Self { checkout, root })
            }
            found => found,
        }
    }

    /// A run of its own below this one, such as that of the tests.
    #[must_use]
    pub fn below(&self, name: &str) -> Self {
        Self { checkout: self.checkout.clone(), root: self.root.join(name) }
    }

    /// Makes the folders.
    ///
    /// # Errors
    /// If one cannot be made.
    pub fn make(&self) -> io::Result<()> {
        // Others may pass through (the database may run as another user), but secrets are for us alone.
        for (folder, mode) in [(self.root.clone(), 0o755), (self.logs(), 0o755), (self.secrets(), 0o700)] {
            fs::create_dir_all(&folder)?;
            fs::set_permissions(&folder, fs::Permissions::from_mode(mode))?;
        }
        Ok(())
    }

    /// Puts the logs of the last run aside, in place of those of the run before that.
    ///
    /// # Errors
    /// If they cannot be moved.
    pub fn fresh_logs(&self) -> io::Result<()> {
        let aside = self.logs().join("last");
        if aside.exists() {
            fs::remove_dir_all(&aside)?;
        }
        fs::create_dir_all(&aside)?;
        for entry in fs::read_dir(self.logs())? {
            let entry = entry?;
            // The runner's own is being written.
            if entry.file_type()?.is_file() && entry.file_name() != RUNNER_LOG {
                fs::rename(entry.path(), aside.join(entry.file_name()))?;
            }
        }
        Ok(())
    }

    /// The output of a runner in the background.
    pub fn runner_log(&self) -> PathBuf {
        self.logs().join(RUNNER_LOG)
    }

    /// The checkout.
    pub fn checkout(&self) -> &Path {
        &self.checkout
    }

    /// The run's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Output of every process.
    pub fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }

    /// Credentials and keys, made at random, readable by their owner only.
    pub fn secrets(&self) -> PathBuf {
        self.root.join("secrets")
    }

    /// The configuration that all services read.
    pub fn settings(&self) -> PathBuf {
        self.root.join("frontdesk.toml")
    }

    /// Addresses, for other programs.
    pub fn endpoints(&self) -> PathBuf {
        self.root.join("endpoints.json")
    }

    /// Name → process number, for other programs.
    pub fn pids(&self) -> PathBuf {
        self.root.join("pids.json")
    }

    /// The sample data that comes with the checkout.
    pub fn samples(&self) -> PathBuf {
        self.checkout.join("tests/samples")
    }

    /// The clinics' templates.
    pub fn clinics(&self) -> PathBuf {
        self.checkout.join("clinics")
    }
}

fn is_checkout(folder: &Path) -> bool {
    folder.join("clinics").is_dir() && folder.join("services/frontdesk").is_dir()
}

#[cfg(test)]
mod tests {
    use super::Layout;

    #[test]
    fn a_checkout_is_known_by_its_folders() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Layout::find(Some(folder.path()), None).is_err());
        assert!(
            Layout::find_or_here(Some(folder.path()), None).is_err(),
            "what is said to be one must be one"
        );
        let run = folder.path().join("run");
        assert_eq!(Layout::find_or_here(None, Some(&run)).unwrap().root(), run);
        for part in ["clinics", "services/frontdesk"] {
            std::fs::create_dir_all(folder.path().join(part)).unwrap();
        }
        let layout = Layout::find(Some(folder.path()), None).unwrap();
        let here = Layout::find_or_here(Some(folder.path()), None).unwrap();
        assert_eq!(here.root(), layout.root());
        assert!(layout.root().ends_with(".frontdesk"));
        layout.make().unwrap();
        assert!(layout.below("test").logs().ends_with(".frontdesk/test/logs"));
        for text in ["first", "second"] {
            std::fs::write(layout.logs().join("a.log"), text).unwrap();
            layout.fresh_logs().unwrap();
            assert_eq!(std::fs::read_to_string(layout.logs().join("last/a.log")).unwrap(), text);
        }
    }
}
