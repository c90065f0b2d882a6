//! Reading the clinics' templates from folders. What they mean is in [`domain::template`].

use std::path::{Path, PathBuf};

use domain::template::{Clinics, TemplateErrors};

use crate::{ConfigError, Settings, config::ClinicsSection};

/// Why the clinics could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum ClinicsError {
    /// The configuration names no folder.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A folder or file cannot be read.
    #[error("{path}: {error}", path = path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The templates are wrong.
    #[error(transparent)]
    Template(#[from] TemplateErrors),
}

/// Loads the folders that `[clinics] dirs` names.
///
/// # Errors
/// [`ClinicsError`]; it never quotes an example's content.
pub fn load(settings: &Settings) -> Result<Clinics, ClinicsError> {
    let section: ClinicsSection = settings.section("clinics")?;
    if section.dirs.is_empty() {
        return Err(ConfigError::key("clinics.dirs", "missing").into());
    }
    let folders: Vec<PathBuf> = section.dirs.iter().map(|dir| settings.resolve(dir)).collect();
    let clinics = load_dir(&folders)?;
    if clinics.is_empty() {
        return Err(ConfigError::key("clinics.dirs", "there is no clinic in these folders").into());
    }
    Ok(clinics)
}

/// Reads every `.toml` and `.json` file below the folders and makes clinics of them. Paths are given relative to their folder;
/// a later folder adds to the earlier ones.
///
/// # Errors
/// [`ClinicsError::Read`] or [`ClinicsError::Template`].
pub fn load_dir<P: AsRef<Path>>(folders: &[P]) -> Result<Clinics, ClinicsError> {
    let mut sources = Vec::new();
    for folder in folders {
        collect(folder.as_ref(), folder.as_ref(), &mut sources)?;
    }
    // Folders list in no order; errors and precedence must not depend on that.
    sources.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(Clinics::from_sources(sources)?)
}

fn collect(base: &Path, folder: &Path, sources: &mut Vec<(String, String)>) -> Result<(), ClinicsError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |error| ClinicsError::Read { path, error }
    };
    for entry in std::fs::read_dir(folder).map_err(failed(folder))? {
        let path = entry.map_err(failed(folder))?.path();
        if path.is_dir() {
            collect(base, &path, sources)?;
        } else if path.extension().is_some_and(|kind| kind == "toml" || kind == "json") {
            let text = std::fs::read_to_string(&path).map_err(failed(&path))?;
            let name = path.strip_prefix(base).unwrap_or(&path).to_string_lossy().into_owned();
            sources.push((name, text));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{ClinicsError, load_dir};

    #[test]
    fn a_missing_folder_is_named() {
        let Err(ClinicsError::Read { path, .. }) = load_dir(&["/nowhere/clinics"]) else { panic!("loaded") };
        assert_eq!(path, std::path::Path::new("/nowhere/clinics"));
    }
}
