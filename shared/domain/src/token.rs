//! Access tokens and API keys: configuration holds their SHA-256, never themselves.

use aws_lc_rs::{
    constant_time::verify_slices_are_equal,
    digest::{SHA256, digest},
};

/// SHA-256 of a token of at least 128 random bits. (A password would need a slow hash; tokens are not passwords.)
#[derive(Debug, Clone, Copy)]
pub struct TokenHash([u8; 32]);

/// The text is not 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a token's hash must be 64 hexadecimal digits: the SHA-256 of the token")]
pub struct NotAHash;

impl TokenHash {
    /// The hash of a token that a caller shows.
    pub fn of(token: &str) -> Self {
        let mut out = [0; 32];
        out.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        Self(out)
    }

    /// Reads a configured hash.
    ///
    /// # Errors
    /// [`NotAHash`].
    pub fn parse(hex: &str) -> Result<Self, NotAHash> {
        let mut out = [0; 32];
        hex::decode_to_slice(hex, &mut out).map_err(|_| NotAHash)?;
        Ok(Self(out))
    }

    /// Whether both are of the same token, in constant time.
    pub fn matches(&self, other: &Self) -> bool {
        verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::{NotAHash, TokenHash};

    #[test]
    fn matches_its_own_token_only() {
        // printf s3cret | sha256sum
        let known =
            TokenHash::parse("1ec1c26b50d5d3c58d9583181af8076655fe00756bf7285940ba3670f99fcba0").unwrap();
        assert!(known.matches(&TokenHash::of("s3cret")));
        assert!(!known.matches(&TokenHash::of("s3cret ")));
        assert_eq!(TokenHash::parse("1ec1").unwrap_err(), NotAHash);
    }
}
