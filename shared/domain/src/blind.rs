//! Blind indexes: finding by phone, e-mail, name or MRN without storing any of them.

use std::fmt;

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};

/// The key of the blind indexes: apart from the sealing keys, so that neither gives the other away.
pub struct IndexKey(Key);

impl fmt::Debug for IndexKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IndexKey")
    }
}

/// HMAC-SHA-256 of a normalised value. Equal values of one kind at one clinic have equal indexes; nothing else shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlindIndex([u8; 32]);

impl BlindIndex {
    /// The index as bytes, for storage.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Lower-case hexadecimal, for identifiers that leave the system.
    pub fn to_hex(self) -> String {
        hex::encode(self.0)
    }
}

impl IndexKey {
    /// Wraps the key's bytes (32 are usual).
    pub fn new(bytes: &[u8]) -> Self {
        Self(Key::new(HMAC_SHA256, bytes))
    }

    /// The index of a value made of parts. `kind` keeps a phone from matching an MRN of the same digits;
    /// each part is preceded by its length, so that no two lists of parts run together.
    pub fn index(&self, kind: &str, parts: &[&str]) -> BlindIndex {
        let mut input = Vec::with_capacity(64);
        for part in std::iter::once(&kind).chain(parts) {
            input.extend_from_slice(&(part.len() as u64).to_be_bytes());
            input.extend_from_slice(part.as_bytes());
        }
        let mut out = [0; 32];
        out.copy_from_slice(sign(&self.0, &input).as_ref());
        BlindIndex(out)
    }
}

#[cfg(test)]
mod tests {
    use super::IndexKey;

    #[test]
    fn kinds_and_parts_do_not_run_together() {
        let key = IndexKey::new(&[7; 32]);
        assert_eq!(key.index("phone", &["1"]), key.index("phone", &["1"]));
        assert_ne!(key.index("phone", &["1"]), key.index("mrn", &["1"]));
        assert_ne!(key.index("name", &["ab", "c"]), key.index("name", &["a", "bc"]));
        assert_ne!(key.index("phone", &["1"]), IndexKey::new(&[8; 32]).index("phone", &["1"]));
    }
}
