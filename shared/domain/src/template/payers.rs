//! The names under which payers are known.

use std::collections::BTreeMap;

use serde::Deserialize;

/// `_base/payers.toml`: every payer's name and its other names.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PayersFile {
    /// Name → other names.
    pub(super) payers: BTreeMap<String, Vec<String>>,
}

/// Other names → names; case and spacing do not matter.
#[derive(Debug, Default)]
pub(super) struct Payers(BTreeMap<String, String>);

impl Payers {
    /// # Errors
    /// Names the alias that two payers claim.
    pub(super) fn new(file: PayersFile) -> Result<Self, String> {
        let mut names = BTreeMap::new();
        for (name, aliases) in file.payers {
            for alias in std::iter::once(&name).chain(&aliases) {
                let before = names.insert(key(alias), name.clone());
                if before.is_some_and(|other| other != name) {
                    return Err(format!("`{alias}` is a name of two payers"));
                }
            }
        }
        Ok(Self(names))
    }

    /// The payer's name, or the text itself if the payer is not known.
    pub(super) fn name(&self, text: String) -> String {
        self.0.get(&key(&text)).cloned().unwrap_or(text)
    }
}

fn key(text: &str) -> String {
    let letters = text.chars().filter(|c| c.is_alphanumeric() || c.is_whitespace()).collect::<String>();
    letters.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::{Payers, PayersFile};

    #[test]
    fn other_names_lead_to_the_name() {
        let file: PayersFile =
            toml::from_str("[payers]\n\"Blue Cross Blue Shield\" = [\"BCBS\"]\nAetna = []").unwrap();
        let payers = Payers::new(file).unwrap();
        for (text, name) in [
            ("BLUE CROSS  BLUE SHIELD", "Blue Cross Blue Shield"),
            ("bcbs", "Blue Cross Blue Shield"),
            ("AETNA", "Aetna"),
            ("Acme Health", "Acme Health"),
        ] {
            assert_eq!(payers.name(text.to_owned()), name);
        }
        let twice = toml::from_str("[payers]\nA = [\"x\"]\nB = [\"X\"]").unwrap();
        assert!(Payers::new(twice).is_err());
    }
}
