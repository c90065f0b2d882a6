//! The HTTP client for looking at our own processes.

use std::sync::LazyLock;

use reqwest::Client;

/// A client that uses no proxy, and keeps no connection: it may be used from one asynchronous runtime after another.
pub(crate) fn client() -> &'static Client {
    static CLIENT: LazyLock<Client> =
        LazyLock::new(|| Client::builder().no_proxy().pool_max_idle_per_host(0).build().unwrap_or_default());
    &CLIENT
}
