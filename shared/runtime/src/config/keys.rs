//! The key of the blind indexes. File contents are never printed.

use domain::blind::IndexKey;

use super::{ConfigError, KeysSection, Settings};
use crate::keys::{KeyFiles, apart, read_key};

/// Loads the key of the blind indexes from `[keys] index_file`. It may be no sealing key: whoever got hold of one would have both.
///
/// # Errors
/// [`ConfigError`] names the key and the file.
pub fn index_key(settings: &Settings) -> Result<IndexKey, ConfigError> {
    let section = KeysSection::read(settings)?;
    let bad = |reason: String| ConfigError::key("keys.index_file", reason);
    let file = section.index_file.ok_or_else(|| bad("missing".to_owned()))?;
    let bytes = read_key(&settings.resolve(&file)).map_err(bad)?;
    let sealing = section.sealing_dir.map(|folder| KeyFiles::new(settings.resolve(&folder)).read());
    if let Some(Ok(keys)) = sealing {
        apart(&keys, &bytes)?;
    }
    Ok(IndexKey::new(&bytes))
}
