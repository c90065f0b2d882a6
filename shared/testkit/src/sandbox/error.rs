//! Why a sandbox does not start.

use std::net::SocketAddr;

/// What keeps the sandbox from starting.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// An address is not loopback: the sandbox must never be reachable from elsewhere.
    #[error("{what} {address}: the sandbox only listens on loopback addresses such as 127.0.0.1:0")]
    NotLoopback {
        /// Which setting.
        what: &'static str,
        /// Its value.
        address: String,
    },
    /// A listener could not be opened.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// A CSV file has a row that cannot be read. The row's content is not repeated.
    #[error("{what}: row {row} cannot be read (expected the columns {columns})")]
    Row {
        /// Which file.
        what: &'static str,
        /// Row number; the header is 1.
        row: u64,
        /// What was expected.
        columns: &'static str,
    },
    /// A registered client's key is not usable.
    #[error("client {client}: {reason}")]
    ClientKey {
        /// The client.
        client: String,
        /// Why.
        reason: String,
    },
    /// A fault rule makes no sense.
    #[error("fault rule {index}: {reason}")]
    Rule {
        /// Position in the list, from 0.
        index: usize,
        /// Why.
        reason: &'static str,
    },
}
