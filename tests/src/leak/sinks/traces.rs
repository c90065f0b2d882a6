//! A collector of OTLP over HTTP that keeps what it gets as it came.

use std::sync::{Arc, Mutex, PoisonError};

use axum::{
    Router,
    body::Bytes,
    extract::DefaultBodyLimit,
    http::{HeaderMap, Uri},
};
use tokio::{net::TcpListener, task::AbortHandle};

use super::{Sink, Written};

/// Bytes of one export.
const MAX: usize = 64 << 20;

type Kept = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

/// The collector; it ends when it is dropped.
pub struct Receiver {
    url: String,
    kept: Kept,
    task: AbortHandle,
}

impl Receiver {
    /// Listens on the loopback.
    ///
    /// # Errors
    /// If there is no port.
    pub async fn start() -> std::io::Result<Self> {
        let kept = Kept::default();
        let into = kept.clone();
        // Answered with nothing, which says that all of it was taken.
        let take = async move |uri: Uri, headers: HeaderMap, body: Bytes| {
            let mut bytes = format!("{headers:?}\n").into_bytes();
            bytes.extend_from_slice(&body);
            into.lock().unwrap_or_else(PoisonError::into_inner).push((uri.to_string(), bytes));
        };
        let router = Router::new().fallback(take).layer(DefaultBodyLimit::max(MAX));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let task = tokio::spawn(async move {
            axum::serve(listener, router).await.ok();
        });
        Ok(Self { url, kept, task: task.abort_handle() })
    }

    /// Its base address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How many exports came.
    pub fn exports(&self) -> usize {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    pub(super) fn written(&self) -> Vec<Written> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().map(|(path, bytes)| Written::bytes(Sink::Traces, path, bytes.clone())).collect()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}
