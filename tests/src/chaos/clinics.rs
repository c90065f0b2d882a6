//! The clinics of a run: every second one writes to an EHR that knows no conditional create, so that nothing but the ledger keeps a
//! second resource out.

use std::{fs, path::Path};

use anyhow::Context as _;

/// The name of that EHR in `[ehrs]`.
pub const PLAIN: &str = "plain";

/// Copies the templates, with the EHR of every second clinic changed.
///
/// # Errors
/// If one cannot be read or written.
pub fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    let mut folders: Vec<_> = fs::read_dir(from)?.collect::<Result<_, _>>()?;
    folders.sort_by_key(fs::DirEntry::file_name);
    for folder in folders {
        let (name, target) = (folder.file_name(), to.join(folder.file_name()));
        fs::create_dir_all(&target)?;
        let plain = name.to_string_lossy().rsplit('-').next().and_then(|number| number.parse::<u32>().ok());
        let plain = plain.is_some_and(|number| number % 2 == 0);
        for file in fs::read_dir(folder.path())? {
            let path = file?.path();
            let Some(file) = path.file_name().filter(|_| path.is_file()) else { continue };
            let mut text =
                fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            if plain && file == "template.toml" {
                text = format!("ehr = \"{PLAIN}\"\n{text}");
            }
            fs::write(target.join(file), text)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use domain::ClinicId;

    #[test]
    fn every_second_clinic_has_the_plain_ehr() {
        let folder = tempfile::tempdir().unwrap();
        super::copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../clinics"), folder.path()).unwrap();
        let clinics = runtime::clinics::load_dir(&[folder.path().to_owned()]).unwrap();
        let ehr = |id: &str| clinics.get(&ClinicId::parse(id).unwrap()).unwrap().ehr.to_string();
        assert_eq!((ehr("clinic-01"), ehr("clinic-02")), ("sandbox".to_owned(), "plain".to_owned()));
    }
}
