//! A pool of one connection. `deadpool-lapin` makes those without TLS, and looks after both.

use std::{sync::Arc, time::Duration};

use async_rs::TokioRuntime;
use deadpool::{
    Runtime,
    managed::{self, Metrics, RecycleResult},
};
use lapin::{
    AsyncTcpStream, Connection, ConnectionProperties, runtime::default_runtime, tcp::RustlsConnector,
    uri::AMQPUri,
};
use rustls::ClientConfig;

use super::Address;
use crate::{
    ConfigError,
    config::{AmqpSection, tls_client},
};

/// A broker that takes connections but does not answer is soon tried anew.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The pool.
pub(super) type Pool = managed::Pool<Maker>;
/// A connection that is the pool's.
pub(super) type Pooled = managed::Object<Maker>;

/// Makes connections.
pub(super) struct Maker {
    plain: deadpool_lapin::Manager,
    tls: Option<(AMQPUri, Arc<ClientConfig>)>,
    name: &'static str,
}

/// For one broker. Connects to nothing.
pub(super) fn of(address: &Address, section: &AmqpSection, name: &'static str) -> Result<Pool, ConfigError> {
    let bad = |reason: String| ConfigError::key("amqp", reason);
    let runtime = default_runtime().map_err(|error| bad(error.to_string()))?;
    let tls = address
        .is_tls()
        .then(|| tls_client("amqp", section.tls()).map(|tls| (address.uri().clone(), Arc::new(tls))))
        .transpose()?;
    let plain = deadpool_lapin::Manager::new(address.to_url(), move || properties(name), runtime);
    Pool::builder(Maker { plain, tls, name })
        .max_size(1)
        .create_timeout(Some(CONNECT_TIMEOUT))
        .wait_timeout(Some(CONNECT_TIMEOUT))
        .runtime(Runtime::Tokio1)
        .build()
        .map_err(|error| bad(error.to_string()))
}

fn properties(name: &'static str) -> ConnectionProperties {
    ConnectionProperties::default().with_connection_name(name.into())
}

impl managed::Manager for Maker {
    type Type = Connection;
    type Error = lapin::Error;

    async fn create(&self) -> Result<Connection, lapin::Error> {
        let Some((uri, tls)) = &self.tls else { return self.plain.create().await };
        let connector = RustlsConnector::from(Arc::clone(tls));
        let connect = async move |uri: AMQPUri, runtime: TokioRuntime| {
            let AMQPUri { authority, .. } = uri;
            let place = runtime.to_socket_addrs((authority.host.clone(), authority.port));
            let stream = AsyncTcpStream::connect(&runtime, place).await?;
            Ok(stream.into_rustls(&connector, &authority.host).await?)
        };
        Connection::connector(uri.clone(), default_runtime()?, connect, properties(self.name)).await
    }

    async fn recycle(&self, connection: &mut Connection, metrics: &Metrics) -> RecycleResult<lapin::Error> {
        self.plain.recycle(connection, metrics).await
    }
}
