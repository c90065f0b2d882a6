//! How one sees from outside that a process is ready.

use std::{net::SocketAddr, time::Duration};

use tokio::net::TcpStream;
use tokio_postgres::NoTls;

/// Longer than any of these takes on a busy machine; a look that takes longer counts as *not yet*.
const PATIENCE: Duration = Duration::from_secs(5);

/// A sign that a process is ready.
#[derive(Debug, Clone)]
pub enum Ready {
    /// The address accepts connections.
    Accepts(SocketAddr),
    /// The URL, which may hold user and password, answers with success.
    Answers(String),
    /// The database answers a query.
    Queries(String),
    /// All of them.
    All(Vec<Ready>),
}

impl Ready {
    /// Looks once.
    pub async fn look(&self) -> bool {
        match self {
            Self::Accepts(address) => within(async { TcpStream::connect(address).await.is_ok() }).await,
            Self::Answers(url) => within(answers(url)).await,
            Self::Queries(url) => within(queries(url)).await,
            Self::All(signs) => {
                for sign in signs {
                    if !Box::pin(sign.look()).await {
                        return false;
                    }
                }
                true
            }
        }
    }
}

async fn within(look: impl Future<Output = bool>) -> bool {
    tokio::time::timeout(PATIENCE, look).await.unwrap_or(false)
}

async fn answers(url: &str) -> bool {
    crate::http::client().get(url).send().await.is_ok_and(|answer| answer.status().is_success())
}

async fn queries(url: &str) -> bool {
    let Ok((client, connection)) = tokio_postgres::connect(url, NoTls).await else { return false };
    tokio::spawn(connection);
    client.batch_execute("SELECT 1").await.is_ok()
}
