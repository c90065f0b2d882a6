//! The broker's management API: reading what is there, queue depths.

use std::time::Duration;

use reqwest::{Client, Method, StatusCode, Url};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::{Plan, Topology, compare::Found};
use crate::{
    ConfigError, Settings,
    amqp::Address,
    config::{ManagementSection, Secret},
};

const TIMEOUT: Duration = Duration::from_secs(15);

/// Why the management API could not be used.
#[derive(Debug, thiserror::Error)]
pub enum ManagementError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// It did not answer, or not in time. The URL, which holds a password, is left out.
    #[error("the broker's management API: {0}")]
    Unreachable(reqwest::Error),
    /// It refused.
    #[error("the broker's management API refused {what}: {status}")]
    Refused {
        /// What was asked.
        what: String,
        /// Its answer.
        status: StatusCode,
    },
    /// Something is in the way that only a person may delete.
    #[error("in the way:\n{0}")]
    Conflict(String),
}

/// Messages in a queue.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Depth {
    /// The queue.
    #[serde(rename = "name")]
    pub queue: String,
    /// Waiting to be delivered.
    #[serde(rename = "messages_ready", default)]
    pub ready: u64,
    /// Delivered, not acknowledged.
    #[serde(rename = "messages_unacknowledged", default)]
    pub unacked: u64,
}

/// A client for one vhost.
pub struct Management {
    client: Client,
    base: Url,
    user: String,
    password: String,
    vhost: String,
}

impl Management {
    /// From `[management]`, for the vhost of `[amqp]`.
    ///
    /// # Errors
    /// [`ManagementError::Config`] names the key.
    pub fn from_settings(settings: &Settings) -> Result<Self, ManagementError> {
        let section: ManagementSection = settings.section("management")?;
        Self::with(&settings.secret("management", "url")?, &settings.secret("amqp", "url")?, section.tls())
    }

    /// For the vhost that an AMQP URL names.
    ///
    /// # Errors
    /// [`ManagementError::Config`] if a URL cannot be read.
    pub fn new(url: &Secret, amqp: &Secret) -> Result<Self, ManagementError> {
        Self::with(url, amqp, tls::Files::default())
    }

    fn with(url: &Secret, amqp: &Secret, files: tls::Files) -> Result<Self, ManagementError> {
        let bad = || ConfigError::key("management.url", "not of the form http://user:password@host:port");
        let mut base: Url = url.expose().parse().map_err(|_| bad())?;
        let decoded = |text: &str| percent_decoded(text).ok_or_else(bad);
        let (user, password) = (decoded(base.username())?, decoded(base.password().unwrap_or_default())?);
        base.set_username("").and_then(|()| base.set_password(None)).map_err(|()| bad())?;
        let vhost = Address::parse(amqp)?.vhost().to_owned();
        let mut client = Client::builder().timeout(TIMEOUT);
        if base.scheme() == "https" {
            client = client.tls_backend_preconfigured(crate::config::tls_client("management", files)?);
        }
        let client = client.build().map_err(ManagementError::Unreachable)?;
        Ok(Self { client, base, user, password, vhost })
    }

    /// The vhost.
    pub fn vhost(&self) -> &str {
        &self.vhost
    }

    /// What must be done.
    ///
    /// # Errors
    /// [`ManagementError`].
    pub async fn plan(&self, topology: &Topology) -> Result<Plan, ManagementError> {
        let found = Found {
            exchanges: self.get(&["exchanges", &self.vhost], None).await?,
            queues: self.get(&["queues", &self.vhost], Some("name,arguments,messages,consumers")).await?,
            bindings: self.get(&["bindings", &self.vhost], None).await?,
        };
        Ok(Plan::against(topology, &found))
    }

    /// The depth of every queue. The broker counts every few seconds: zero may be a little old.
    ///
    /// # Errors
    /// [`ManagementError`].
    pub async fn depths(&self) -> Result<Vec<Depth>, ManagementError> {
        self.get(&["queues", &self.vhost], Some("name,messages_ready,messages_unacknowledged")).await
    }

    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("api").extend(path);
        }
        url
    }

    async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        columns: Option<&str>,
    ) -> Result<T, ManagementError> {
        let mut url = self.url(path);
        if let Some(columns) = columns {
            url.query_pairs_mut().append_pair("columns", columns);
        }
        let request = self.client.get(url).basic_auth(&self.user, Some(&self.password));
        let response = request.send().await.map_err(unreachable)?;
        checked(&path.join(" "), response.status())?;
        response.json().await.map_err(unreachable)
    }

    pub(super) async fn send(
        &self,
        method: Method,
        path: &[&str],
        body: Option<Value>,
    ) -> Result<(), ManagementError> {
        checked(&path.join(" "), self.ask(method, path, body).await?)
    }

    /// Deletes what is there; what is gone already is as good.
    pub(super) async fn delete(&self, path: &[&str]) -> Result<(), ManagementError> {
        match self.ask(Method::DELETE, path, None).await? {
            StatusCode::NOT_FOUND => Ok(()),
            status => checked(&path.join(" "), status),
        }
    }

    async fn ask(
        &self,
        method: Method,
        path: &[&str],
        body: Option<Value>,
    ) -> Result<StatusCode, ManagementError> {
        let mut request =
            self.client.request(method, self.url(path)).basic_auth(&self.user, Some(&self.password));
        if let Some(body) = body {
            request = request.json(&body);
        }
        Ok(request.send().await.map_err(unreachable)?.status())
    }
}

fn unreachable(error: reqwest::Error) -> ManagementError {
    ManagementError::Unreachable(error.without_url())
}

fn checked(what: &str, status: StatusCode) -> Result<(), ManagementError> {
    if status.is_success() { Ok(()) } else { Err(ManagementError::Refused { what: what.to_owned(), status }) }
}

/// Undoes percent-encoding, which a password in a URL may have.
fn percent_decoded(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let pair = [bytes.next()?, bytes.next()?];
            out.push(*hex::decode(pair).ok()?.first()?);
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::{Management, percent_decoded};
    use crate::config::Secret;

    #[test]
    fn credentials_leave_the_url_and_the_vhost_is_one_segment() {
        let secret = |text: &str| Secret::new(text.to_owned());
        let url = secret("http://u:p%40ss@host:15672");
        let management = Management::new(&url, &secret("amqp://host/%2f")).unwrap();
        assert_eq!((management.user.as_str(), management.password.as_str()), ("u", "p@ss"));
        let url = management.url(&["queues", management.vhost(), "validation.default"]);
        assert_eq!(url.as_str(), "http://host:15672/api/queues/%2F/validation.default");
        assert_eq!(percent_decoded("100%"), None);
    }
}
