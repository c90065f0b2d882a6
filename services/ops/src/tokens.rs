//! The tokens file: who may use the API, and how far.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use domain::token::TokenHash;
use serde::Deserialize;

use crate::access::Role;

/// Somebody with a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The person: who did it, in the audit trail. Several tokens of one person have one name, so that nobody is two.
    pub name: String,
    /// What it is good for.
    pub roles: BTreeSet<Role>,
}

/// All tokens.
#[derive(Debug)]
pub struct Tokens(Vec<(TokenHash, Arc<Principal>)>);

/// The tokens file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TokensError {
    /// It cannot be read.
    #[error("cannot read {path}: {why}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        why: std::io::Error,
    },
    /// It is not what it should be.
    #[error("{path}: {why}")]
    Parse {
        /// Which.
        path: PathBuf,
        /// What to change.
        why: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    token: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    roles: BTreeSet<Role>,
    sha256: String,
}

impl Tokens {
    /// Reads the file.
    ///
    /// # Errors
    /// [`TokensError`] names file and token.
    pub fn load(path: &Path) -> Result<Self, TokensError> {
        let text =
            std::fs::read_to_string(path).map_err(|why| TokensError::Read { path: path.into(), why })?;
        Self::parse(&text).map_err(|why| TokensError::Parse { path: path.into(), why })
    }

    fn parse(text: &str) -> Result<Self, String> {
        let file: File = toml::from_str(text).map_err(|error| error.message().to_owned())?;
        let mut hashes = BTreeSet::new();
        let tokens = file.token.into_iter().map(|entry| {
            let refuse = |why: &str| format!("token `{}`: {why}", entry.name);
            if !is_name(&entry.name) {
                return Err(
                    "name: 1 to 64 of a-z, 0-9 and . _ @ -, as the person is called everywhere".to_owned()
                );
            }
            if entry.roles.is_empty() {
                return Err(refuse("roles: name at least one"));
            }
            let hash = TokenHash::parse(&entry.sha256).map_err(|why| refuse(&why.to_string()))?;
            if !hashes.insert(entry.sha256.to_ascii_lowercase()) {
                return Err(refuse("another token has the same hash"));
            }
            Ok((hash, Arc::new(Principal { name: entry.name, roles: entry.roles })))
        });
        tokens.collect::<Result<_, _>>().map(Self)
    }

    /// Whose token this is. Every hash is compared, each in constant time.
    pub fn holder(&self, token: &str) -> Option<Arc<Principal>> {
        let shown = TokenHash::of(token);
        let mut found = None;
        for (hash, principal) in &self.0 {
            if hash.matches(&shown) {
                found = Some(Arc::clone(principal));
            }
        }
        found
    }
}

/// One spelling for one person, so that who asked and who approves can be told apart.
fn is_name(text: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._@-".contains(&byte);
    (1..=64).contains(&text.len()) && text.bytes().all(letter)
}

#[cfg(test)]
mod tests {
    use super::Tokens;

    #[test]
    fn several_tokens_of_one_person_are_one_person() {
        let token = |digit: &str| {
            format!("[[token]]\nname = \"ann\"\nroles = [\"viewer\"]\nsha256 = \"{}\"\n", digit.repeat(64))
        };
        let tokens = Tokens::parse(&(token("0") + &token("1"))).unwrap();
        assert!(tokens.0.iter().all(|(_, person)| person.name == "ann"));
    }

    #[test]
    fn the_example_is_read() {
        assert_eq!(Tokens::parse(include_str!("../tokens.example.toml")).unwrap().0.len(), 2);
    }

    #[test]
    fn mistakes_are_told() {
        let token = |lines: &str| format!("[[token]]\nname = \"a\"\n{lines}\n");
        let hash = "0".repeat(64);
        for (text, expected) in [
            (token("roles = [\"root\"]\nsha256 = \"0\""), "unknown variant"),
            (token(&format!("roles = []\nsha256 = \"{hash}\"")), "token `a`: roles: name at least one"),
            (token("roles = [\"viewer\"]\nsha256 = \"0\""), "64 hexadecimal digits"),
            (token(&format!("roles = [\"viewer\"]\nsha256 = \"{hash}\"")).repeat(2), "the same hash"),
            (
                format!("[[token]]\nname = \"Ann\"\nroles = [\"viewer\"]\nsha256 = \"{hash}\""),
                "name: 1 to 64",
            ),
            (format!("[[token]]\nname = \"\"\nroles = [\"viewer\"]\nsha256 = \"{hash}\""), "name: 1 to 64"),
        ] {
            let error = Tokens::parse(&text).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
