//! Faults: we could not find out. ("Not insured" is an outcome; "payer timed out" is a fault.)

use std::time::Duration;

use crate::{Code, Endpoint, FieldPath};

/// A handler could not find out what to do. The retry decision is made here, where the error happened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// May work later: tried again with backoff, within the policy's attempts and age.
    #[error("transient fault {code}")]
    Transient {
        /// What failed.
        code: Code,
        /// What it failed against: feeds the breaker.
        endpoint: Option<Endpoint>,
    },
    /// The other side asked to wait this long.
    #[error("throttled ({code})")]
    Throttled {
        /// What failed.
        code: Code,
        /// At least this long.
        after: Duration,
        /// Who asked.
        endpoint: Option<Endpoint>,
    },
    /// Trying again cannot help: to the dead letters at once.
    #[error("permanent fault {code}")]
    Permanent {
        /// What is wrong.
        code: Code,
        /// Where in the canonical intake, if it is about a field.
        field: Option<FieldPath>,
    },
}

impl Fault {
    /// A transient fault of our own, not of an endpoint.
    pub const fn transient(code: Code) -> Self {
        Self::Transient { code, endpoint: None }
    }

    /// A transient fault of an endpoint.
    pub const fn transient_at(code: Code, endpoint: Endpoint) -> Self {
        Self::Transient { code, endpoint: Some(endpoint) }
    }

    /// A permanent fault.
    pub const fn permanent(code: Code) -> Self {
        Self::Permanent { code, field: None }
    }

    /// The fault's code.
    pub const fn code(&self) -> Code {
        match self {
            Self::Transient { code, .. } | Self::Throttled { code, .. } | Self::Permanent { code, .. } => {
                *code
            }
        }
    }

    /// The endpoint that the fault speaks against.
    pub const fn endpoint(&self) -> Option<&Endpoint> {
        match self {
            Self::Transient { endpoint, .. } | Self::Throttled { endpoint, .. } => endpoint.as_ref(),
            Self::Permanent { .. } => None,
        }
    }
}
