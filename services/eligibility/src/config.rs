//! `[eligibility]`.

use jiff::SignedDuration;
use serde::Deserialize;

/// How long payers are waited for, and when they are asked again.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How long an intake waits for a payer that does not answer before it goes on as undetermined, seconds.
    pub patience_s: u32,
    /// How long after that the payer is asked again, seconds; and so on until the visit.
    pub recheck_after_s: u32,
    /// How often due rechecks are looked for, seconds.
    pub recheck_every_s: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self { patience_s: 300, recheck_after_s: 3600, recheck_every_s: 30 }
    }
}

impl Config {
    pub(crate) fn patience(&self) -> SignedDuration {
        SignedDuration::from_secs(self.patience_s.into())
    }

    pub(crate) fn recheck_after(&self) -> SignedDuration {
        SignedDuration::from_secs(self.recheck_after_s.into())
    }
}
