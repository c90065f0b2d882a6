//! Identifiers that are made of what they name.

use aws_lc_rs::digest::{Context, SHA256};
use uuid::{Builder, Uuid};

/// The same for the same parts, and no other's. Each part is preceded by its length, so that no two lists run together.
pub(crate) fn of_parts(parts: &[&[u8]]) -> Uuid {
    let mut digest = Context::new(&SHA256);
    for part in parts {
        digest.update(&(part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(digest.finish().as_ref()) {
        *to = *from;
    }
    Builder::from_custom_bytes(bytes).into_uuid()
}
