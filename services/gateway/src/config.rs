//! `[gateway]` in the configuration file.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use serde::Deserialize;

/// Largest body, bytes.
pub const MAX_BODY: usize = 256 * 1024;
/// Deepest nesting of objects and arrays.
pub const MAX_DEPTH: usize = 32;

/// The gateway's own settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatewayConfig {
    /// Address to listen on. TLS ends in front of the gateway.
    pub listen: SocketAddr,
    /// The sources file: who may post, for which clinics, and how they prove it.
    pub sources_file: PathBuf,
    /// What status URLs start with, such as `https://intake.example.org`; without it they are relative.
    #[serde(default)]
    pub public_url: Option<String>,
    /// Requests in hand at once, all sources together. Beyond it: 503.
    #[serde(default = "in_flight")]
    pub in_flight: usize,
    /// Requests in hand at once for one source. Beyond it: 429.
    #[serde(default = "in_flight_per_source")]
    pub in_flight_per_source: usize,
    /// Seconds that the broker may take to confirm. Beyond it: 503.
    #[serde(default = "ten")]
    pub confirm_timeout_s: u64,
    /// Seconds that the head of a request may take, and then its body.
    #[serde(default = "ten")]
    pub read_timeout_s: u64,
}

const fn in_flight() -> usize {
    256
}

const fn in_flight_per_source() -> usize {
    128
}

const fn ten() -> u64 {
    10
}

impl GatewayConfig {
    /// How long the head or the body of a request may take.
    pub const fn read_timeout(&self) -> Duration {
        Duration::from_secs(self.read_timeout_s)
    }

    /// How long the broker may take to confirm.
    pub const fn confirm_timeout(&self) -> Duration {
        Duration::from_secs(self.confirm_timeout_s)
    }
}
