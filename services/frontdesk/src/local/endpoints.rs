//! `endpoints.json`: where everything is, for other programs. Secrets are named by their files, never written here.

use std::{collections::BTreeMap, path::PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::Layout;

/// All addresses of a run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Endpoints {
    /// AMQP.
    pub amqp: Server,
    /// The broker's management API.
    pub management: Server,
    /// The database.
    pub postgres: Server,
    /// Prometheus metrics of a private broker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broker_metrics: Option<String>,
    /// The HTTP door.
    pub gateway: Gateway,
    /// The ops API.
    pub ops: Api,
    /// PEM file of the authority that vouches for the HTTP door and the ops API, where they speak TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// Each service's own addresses; further processes of one under names such as `validation-2`.
    pub services: BTreeMap<String, Service>,
    /// The sandbox's addresses: its FHIR base, payers, SMS, mail relay and control API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<serde_json::Value>,
    /// The EHR that is written to.
    pub ehr: Ehr,
    /// The services' configuration.
    pub config: PathBuf,
    /// Every process's output.
    pub logs: PathBuf,
    /// Name → process number.
    pub pids: PathBuf,
}

impl Endpoints {
    /// Reads the addresses of the line that is running here.
    ///
    /// # Errors
    /// If none is.
    pub fn read(layout: &Layout) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(layout.endpoints())
            .context("nothing is running here: start it with ./dev up")?;
        Ok(serde_json::from_str(&text)?)
    }

    /// A client of the HTTP door and the ops API that trusts whom this run does; else whom the system does.
    ///
    /// # Errors
    /// If the authority's file cannot be used.
    pub fn client(&self) -> anyhow::Result<reqwest::ClientBuilder> {
        let builder = reqwest::Client::builder();
        let Some(file) = &self.ca_file else { return Ok(builder) };
        let pem = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        Ok(builder.tls_certs_only([reqwest::Certificate::from_pem(&pem)?]))
    }
}

/// A server with user and password, as a URL in a file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Server {
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Virtual host or database.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The file with the whole URL, user and password included.
    pub url_file: PathBuf,
}

impl Server {
    /// Tells a URL apart.
    ///
    /// # Errors
    /// If it is none.
    pub fn of(url: &str, url_file: PathBuf) -> anyhow::Result<Self> {
        let url = reqwest::Url::parse(url)?;
        let standard = match url.scheme() {
            "amqp" => 5672,
            "amqps" => 5671,
            "https" => 443,
            "http" => 80,
            _ => 5432,
        };
        let name = url.path().trim_matches('/').replace("%2f", "/");
        let host = url.host_str().unwrap_or_default().to_owned();
        Ok(Self { host, port: url.port().unwrap_or(standard), name, url_file })
    }

    /// The whole URL, user and password included.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn url(&self) -> anyhow::Result<String> {
        let file = &self.url_file;
        let text =
            std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        Ok(text.trim().to_owned())
    }
}

/// The HTTP door.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Gateway {
    /// Base URL.
    pub url: String,
    /// Who may post.
    pub sources: Vec<Source>,
}

/// A sender.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// The `source` of its submissions.
    pub kind: String,
    /// The clinics that it may post for.
    pub clinics: Vec<String>,
    /// The file with the secret that signs its webhooks (`whsec_…`).
    pub secret_file: PathBuf,
}

/// An API that takes a bearer token.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Api {
    /// Base URL.
    pub url: String,
    /// The file with the token.
    pub token_file: PathBuf,
}

/// A service's own addresses.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Service {
    /// Liveness.
    pub live: String,
    /// Readiness.
    pub ready: String,
    /// Prometheus metrics.
    pub metrics: String,
    /// Its output.
    pub log: PathBuf,
}

/// The EHR.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ehr {
    /// The FHIR base URL.
    pub url: String,
    /// The profile's name.
    pub profile: String,
}

#[cfg(test)]
mod tests {
    use super::Server;

    #[test]
    fn a_server_is_told_without_its_password() {
        let server = Server::of("amqp://user:secret@127.0.0.1:26701/%2f", "url".into()).unwrap();
        assert_eq!((server.host.as_str(), server.port, server.name.as_str()), ("127.0.0.1", 26701, "/"));
        assert!(!serde_json::to_string(&server).unwrap().contains("secret"));
        assert_eq!(Server::of("postgres://u:p@db.example/main", "url".into()).unwrap().port, 5432);
    }
}
