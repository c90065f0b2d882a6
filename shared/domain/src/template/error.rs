//! What can be wrong with a form or with a template. Neither ever quotes a form's value.

use std::fmt;

use super::Field;
use crate::{Code, FieldPath};

/// Why a form did not become an intake.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MapError {
    /// The sender must change something: [`Code::MissingField`] or [`Code::InvalidField`].
    #[error("{code} at {field}")]
    Rejected {
        /// Missing or invalid.
        code: Code,
        /// Where in the canonical intake; `form_version` if no version of the template takes the form.
        field: FieldPath,
    },
    /// The template's rule failed on this form: the template is to be corrected and the submission replayed.
    #[error("the template's rule for {field} failed")]
    TemplateFailed {
        /// The field whose rule failed.
        field: FieldPath,
    },
}

impl MapError {
    /// The code under which it is recorded.
    pub const fn code(&self) -> Code {
        match self {
            Self::Rejected { code, .. } => *code,
            Self::TemplateFailed { .. } => Code::TemplateFailed,
        }
    }

    pub(super) const fn missing(field: Field) -> Self {
        Self::Rejected { code: Code::MissingField, field: field.path() }
    }

    pub(super) const fn invalid(field: Field) -> Self {
        Self::Rejected { code: Code::InvalidField, field: field.path() }
    }
}

/// What is wrong with one template file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {what}")]
pub struct TemplateError {
    /// The file, relative to the clinics folder.
    pub path: String,
    /// What is wrong and where in the file.
    pub what: String,
}

impl TemplateError {
    pub(super) fn new(path: &str, what: impl fmt::Display) -> Self {
        Self { path: path.to_owned(), what: what.to_string().trim().replace('\n', " ") }
    }
}

/// Everything that is wrong with a set of templates, so that one run shows all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateErrors(pub Vec<TemplateError>);

impl fmt::Display for TemplateErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, error) in self.0.iter().enumerate() {
            if n > 0 {
                f.write_str("\n")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for TemplateErrors {}
