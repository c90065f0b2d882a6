//! TLS as every part of a process speaks it: TLS 1.2 and 1.3 on one cryptographic library, the peer's certificate and host name always
//! checked, and certificates, keys and authorities taken from files that may change under way.
//!
//! - [`Client`] is for who connects: it gives the configuration that libraries take, once, and that stays true when the files change.
//! - [`PemFiles`] is the same for a library that takes PEM and nothing else.
//! - [`Acceptor`] is for who listens.
//! - [`look`] looks at all files of this process again, and says how they stand. The runtime calls it every few seconds; without it each
//!   part stays with what it read first.
//!
//! A file that cannot be used never replaces one that can. What is changed counts for the next handshake; open connections go on.

mod accept;
mod client;
mod files;
mod follow;
mod pem;

pub use accept::Acceptor;
pub use client::Client;
pub use files::{Files, TlsError};
pub use follow::{Standing, look};
pub use pem::{Pem, PemFiles};

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}
