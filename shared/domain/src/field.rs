//! Paths of fields in the canonical intake.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serialize};

/// The path of a field in the canonical intake, such as `patient.birth_date`. It comes from our own model or a
/// template, never from a submission, and so is free of PHI.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FieldPath(Cow<'static, str>);

impl FieldPath {
    /// A path known at compile time.
    pub const fn known(path: &'static str) -> Self {
        Self(Cow::Borrowed(path))
    }

    /// A path that a template or the database names.
    pub fn from_template(path: String) -> Self {
        Self(Cow::Owned(path))
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
