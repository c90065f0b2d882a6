//! Keys from files. File contents are never printed.

use std::{ffi::OsStr, path::Path};

use domain::{blind::IndexKey, seal::Keyring};

use super::{ConfigError, KeysSection, Settings};

/// Loads the sealing keys: every `<id>.key` in `[keys] sealing_dir`.
///
/// # Errors
/// [`ConfigError`] names the key and the file.
pub fn keyring(settings: &Settings) -> Result<Keyring, ConfigError> {
    let section: KeysSection = settings.section("keys")?;
    let bad = |reason: String| ConfigError::key("keys.sealing_dir", reason);
    let folder = section.sealing_dir.ok_or_else(|| bad("missing".to_owned()))?;
    let folder = settings.resolve(&folder);
    let entries =
        std::fs::read_dir(&folder).map_err(|error| bad(format!("{}: {error}", folder.display())))?;
    let mut keys = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| bad(error.to_string()))?.path();
        if path.extension() != Some(OsStr::new("key")) {
            continue;
        }
        let id = path
            .file_stem()
            .and_then(OsStr::to_str)
            .ok_or_else(|| bad("a key's file name is not UTF-8".to_owned()))?;
        keys.push((id.to_owned(), read_key(&path).map_err(bad)?));
    }
    if keys.is_empty() {
        return Err(bad(format!("no <id>.key file in {}", folder.display())));
    }
    Keyring::new(keys).map_err(|error| bad(error.to_string()))
}

/// Loads the key of the blind indexes from `[keys] index_file`.
///
/// # Errors
/// [`ConfigError`] names the key and the file.
pub fn index_key(settings: &Settings) -> Result<IndexKey, ConfigError> {
    let section: KeysSection = settings.section("keys")?;
    let bad = |reason: String| ConfigError::key("keys.index_file", reason);
    let file = section.index_file.ok_or_else(|| bad("missing".to_owned()))?;
    let bytes = read_key(&settings.resolve(&file)).map_err(bad)?;
    Ok(IndexKey::new(&bytes))
}

fn read_key(path: &Path) -> Result<Vec<u8>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    match hex::decode(text.trim()) {
        Ok(bytes) if bytes.len() == 32 => Ok(bytes),
        _ => Err(format!("{}: must hold 64 hexadecimal digits", path.display())),
    }
}
