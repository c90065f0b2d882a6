//! Credentials and keys of a local run: made at random, each in a file that only its owner may read.

use std::{fs, path::PathBuf};

use anyhow::Context as _;
use testkit::backends::write_private;

use super::Layout;

/// The folder with all secrets.
pub struct Secrets {
    folder: PathBuf,
}

impl Secrets {
    /// Those of a run. With `fresh`, all that were there are forgotten.
    ///
    /// # Errors
    /// If the folder cannot be emptied or made.
    pub fn open(layout: &Layout, fresh: bool) -> anyhow::Result<Self> {
        let folder = layout.secrets();
        if fresh && folder.exists() {
            fs::remove_dir_all(&folder).context("cannot forget the old credentials")?;
        }
        layout.make()?;
        Ok(Self { folder })
    }

    /// Those in a folder, which is there.
    pub const fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The file of that name.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A secret of `bytes` random bytes in hexadecimal digits: the one that is there, or a new one.
    ///
    /// # Errors
    /// If it can be neither read nor written.
    pub fn hex<const BYTES: usize>(&self, name: &str) -> anyhow::Result<String> {
        let path = self.path(name);
        if let Ok(text) = fs::read_to_string(&path) {
            return Ok(text.trim().to_owned());
        }
        let random: [u8; BYTES] = std::array::from_fn(|_| rand::random());
        let text: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        self.put(name, &text)?;
        Ok(text)
    }

    /// Writes a secret.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn put(&self, name: &str, text: &str) -> anyhow::Result<PathBuf> {
        let path = self.path(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        write_private(&path, &format!("{text}\n"))
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }
}
