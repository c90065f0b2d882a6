//! `[ops]` in the configuration file.

use std::{net::SocketAddr, path::PathBuf};

use serde::Deserialize;

/// The API's own settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpsConfig {
    /// Address to listen on.
    pub listen: SocketAddr,
    /// The tokens file: who may use the API, and how far.
    pub tokens_file: PathBuf,
}
