//! Making and removing virtual hosts and databases on servers that run already.

mod broker;
mod database;

pub use broker::BrokerAdmin;
pub use database::DatabaseAdmin;

/// A server did not do what was asked.
#[derive(thiserror::Error)]
pub enum AdminError {
    /// The text is not a URL with a host.
    #[error("{0} is not a usable URL")]
    BadUrl(&'static str),
    /// The broker's management API.
    #[error("the broker's management API: {0}")]
    Broker(String),
    /// The database server.
    #[error("the database server: {0}")]
    Database(#[from] tokio_postgres::Error),
}

// `unwrap` in a test prints this: the message, not the shape.
impl std::fmt::Debug for AdminError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

fn url(name: &'static str, text: &str) -> Result<reqwest::Url, AdminError> {
    let url = reqwest::Url::parse(text).map_err(|_| AdminError::BadUrl(name))?;
    if url.has_host() { Ok(url) } else { Err(AdminError::BadUrl(name)) }
}
