//! Relative file names mean the same to every service, wherever it is started: they are taken from the settings file's folder.

use std::path::Path;

use toml::{Table, Value};

/// Makes every value absolute whose key ends in `_file` or `_dir`, or is `dirs`. The environment's values stay as they are.
pub(super) fn resolve(table: &mut Table, folder: &Path) {
    for (key, value) in table.iter_mut() {
        match value {
            Value::Table(inner) => resolve(inner, folder),
            Value::String(path) if key.ends_with("_file") || key.ends_with("_dir") => absolute(path, folder),
            Value::Array(paths) if key == "dirs" => {
                for path in paths {
                    if let Value::String(path) = path {
                        absolute(path, folder);
                    }
                }
            }
            _ => {}
        }
    }
}

fn absolute(path: &mut String, folder: &Path) {
    let joined = folder.join(&*path);
    *path = std::path::absolute(&joined).unwrap_or(joined).display().to_string();
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn names_of_files_are_taken_from_the_folder() {
        let mut table = toml::from_str(
            "[postgres]\nurl_file = \"db.url\"\n[ehrs.main]\nkey_file = \"/keys/ehr.pem\"\nprofile = \"fhir\"\n\
             [clinics]\ndirs = [\"clinics\"]\n[keys]\nsealing_dir = \"sealing\"\n",
        )
        .unwrap();
        super::resolve(&mut table, Path::new("/etc/frontdesk"));
        assert_eq!(table["postgres"]["url_file"].as_str(), Some("/etc/frontdesk/db.url"));
        assert_eq!(table["ehrs"]["main"]["key_file"].as_str(), Some("/keys/ehr.pem"));
        assert_eq!(table["ehrs"]["main"]["profile"].as_str(), Some("fhir"));
        assert_eq!(table["clinics"]["dirs"][0].as_str(), Some("/etc/frontdesk/clinics"));
        assert_eq!(table["keys"]["sealing_dir"].as_str(), Some("/etc/frontdesk/sealing"));
    }
}
