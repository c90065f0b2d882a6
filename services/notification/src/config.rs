//! `[notification]`.

use serde::Deserialize;

/// How patients are told.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Whether text messages keep the clinics' quiet hours. Off only where the provider is a sandbox: nobody sleeps there.
    pub quiet_hours: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self { quiet_hours: true }
    }
}
