//! Keys in a folder: every `<id>.key`, 64 hexadecimal digits.

use std::{
    ffi::OsStr,
    fmt::Display,
    fs::{self, OpenOptions},
    io::Write as _,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use futures_util::{FutureExt as _, future::BoxFuture};

use super::{Key, KeySource, KeysError};

/// A folder of keys.
pub struct KeyFiles(PathBuf);

impl KeyFiles {
    /// This folder.
    pub const fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    /// The files of keys in it.
    pub(crate) fn paths(&self) -> Result<Vec<PathBuf>, KeysError> {
        let entries = fs::read_dir(&self.0).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let paths = entries.map_err(|error| self.bad(error))?.into_iter().map(|entry| entry.path());
        Ok(paths.filter(|path| path.extension() == Some(OsStr::new("key"))).collect())
    }

    /// All keys in it.
    ///
    /// # Errors
    /// [`KeysError`] names the file, and quotes nothing of it.
    pub fn read(&self) -> Result<Vec<Key>, KeysError> {
        let mut keys = Vec::new();
        for path in self.paths()? {
            let id = path.file_stem().and_then(OsStr::to_str);
            let id = id.ok_or_else(|| self.bad("a key's file name is not UTF-8"))?;
            keys.push(Key::new(id.to_owned(), read_key(&path).map_err(KeysError)?));
        }
        if keys.is_empty() { Err(self.bad("no <id>.key file in it")) } else { Ok(keys) }
    }

    fn bad(&self, reason: impl Display) -> KeysError {
        KeysError(format!("{}: {reason}", self.0.display()))
    }

    /// Adds a key, readable by its owner only. It is there as a whole or not at all.
    ///
    /// # Errors
    /// If it cannot be written, or one of that id is there.
    pub fn add(&self, id: &str, bytes: &[u8; 32]) -> std::io::Result<PathBuf> {
        let (path, draft) = (self.0.join(format!("{id}.key")), self.0.join(format!(".{id}.draft")));
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        file.write_all(format!("{}\n", hex::encode(bytes)).as_bytes())?;
        file.sync_all()?;
        // A link, unlike a renamed file, does not replace what is there.
        let linked = fs::hard_link(&draft, &path);
        fs::remove_file(draft)?;
        linked?;
        fs::File::open(&self.0)?.sync_all()?;
        Ok(path)
    }
}

impl KeySource for KeyFiles {
    fn load(&self) -> BoxFuture<'_, Result<Vec<Key>, KeysError>> {
        // Some small files, once in a while.
        std::future::ready(self.read()).boxed()
    }
}

/// Whether every user of the machine may read or write it.
pub(crate) fn open_to_all(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o007 != 0)
}

/// The 32 bytes in a key's file.
pub(crate) fn read_key(path: &Path) -> Result<Vec<u8>, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    match hex::decode(text.trim()) {
        Ok(bytes) if bytes.len() == 32 => Ok(bytes),
        _ => Err(format!("{}: must hold 64 hexadecimal digits", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::{KeyFiles, open_to_all};

    #[test]
    fn a_key_is_added_for_its_owner_and_never_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let files = KeyFiles::new(folder.path().to_owned());
        assert!(files.read().is_err(), "there is none");
        let path = files.add("2026-11-22T203500Z", &[7; 32]).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!((files.paths(), open_to_all(&path)), (Ok(vec![path.clone()]), false));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(open_to_all(&path) && !open_to_all(&folder.path().join("none")));
        assert!(files.add("2026-11-22T203500Z", &[8; 32]).is_err());
        let keys = files.read().unwrap();
        assert_eq!(
            (keys.len(), keys[0].id.as_str(), &keys[0].bytes[..]),
            (1, "2026-11-22T203500Z", &[7; 32][..])
        );
        assert!(keys[0].made.is_some());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no draft is left");

        std::fs::write(folder.path().join("bad.key"), "hunter2").unwrap();
        let Err(error) = files.read() else { panic!("a bad key was read") };
        assert!(error.to_string().contains("bad.key") && !error.to_string().contains("hunter2"), "{error}");
    }
}
