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

/// Whether an export is of this signal (`traces`, `metrics`) and this service.
pub fn exported(one: &Written, signal: &str, service: &str) -> bool {
    let super::What::Bytes(bytes) = &one.what else { return false };
    one.sink == Sink::Traces && one.place == format!("/v1/{signal}") && {
        let name = named(service);
        bytes.windows(name.len()).any(|window| window == name)
    }
}

/// The attribute `service.name` as protobuf writes it: a key, and in a value a text.
fn named(service: &str) -> Vec<u8> {
    let length = u8::try_from(service.len()).unwrap_or(u8::MAX - 2);
    [b"\x0a\x0cservice.name\x12".as_slice(), &[length + 2, 0x0a, length], service.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::{Sink, Written, exported, named};

    #[test]
    fn an_export_is_of_one_signal_and_one_service() {
        let export = |path: &str| Written::bytes(Sink::Traces, path, [b"x".to_vec(), named("ops")].concat());
        assert!(exported(&export("/v1/traces"), "traces", "ops"));
        assert!(!exported(&export("/v1/metrics"), "traces", "ops"));
        assert!(!exported(&export("/v1/traces"), "traces", "op"));
    }
}
