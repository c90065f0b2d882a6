//! A client of the control API, for whoever runs the sandbox as a process of its own.

use reqwest::{Method, RequestBuilder, Response};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::faults::{FaultReport, Rule};
use super::messages::Message;
use super::store::{Counts, Kind, Write};

/// Why the control API gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// It could not be reached.
    #[error("the sandbox's control API cannot be reached: {0}")]
    Unreachable(#[from] reqwest::Error),
    /// It refused.
    #[error("the sandbox's control API refused ({status}): {reason}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// What it said.
        reason: String,
    },
    /// Its answer is not what this client knows.
    #[error("the answer of the sandbox's control API cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
}

/// The control API of one sandbox.
#[derive(Debug, Clone)]
pub struct Control {
    http: reqwest::Client,
    base: String,
}

impl Control {
    /// A client of `…/_sandbox` ([`Addresses::control_url`](super::Addresses::control_url)).
    ///
    /// # Errors
    /// If no HTTP client can be made.
    pub fn new(control_url: &str) -> Result<Self, ControlError> {
        // A proxy set in the environment must not be asked for loopback.
        let http = reqwest::Client::builder().no_proxy().build()?;
        Ok(Self { http, base: control_url.trim_end_matches('/').to_owned() })
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}/{path}", self.base))
    }

    async fn send(request: RequestBuilder) -> Result<Response, ControlError> {
        let response = request.send().await?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status().as_u16();
        Err(ControlError::Refused { status, reason: response.text().await.unwrap_or_default() })
    }

    async fn json<T: DeserializeOwned>(request: RequestBuilder) -> Result<T, ControlError> {
        Ok(serde_json::from_slice(&Self::send(request).await?.bytes().await?)?)
    }

    async fn lines<T: DeserializeOwned>(request: RequestBuilder) -> Result<Vec<T>, ControlError> {
        let mut all = Vec::new();
        Self::each(request, |one| all.push(one)).await?;
        Ok(all)
    }

    /// One JSON value a line, read as it comes.
    async fn each<T: DeserializeOwned>(
        request: RequestBuilder,
        mut take: impl FnMut(T),
    ) -> Result<(), ControlError> {
        let mut answer = Self::send(request).await?;
        let mut rest: Vec<u8> = Vec::new();
        let mut read = |line: &[u8]| -> Result<(), ControlError> {
            if !line.is_empty() {
                take(serde_json::from_slice(line)?);
            }
            Ok(())
        };
        while let Some(chunk) = answer.chunk().await? {
            let mut parts = chunk.split(|byte| *byte == b'\n');
            rest.extend_from_slice(parts.next().unwrap_or_default());
            for part in parts {
                read(&rest)?;
                rest.clear();
                rest.extend_from_slice(part);
            }
        }
        read(&rest)
    }

    /// How much is stored.
    ///
    /// # Errors
    /// [`ControlError`], as of all methods here.
    pub async fn counts(&self) -> Result<Counts, ControlError> {
        Self::json(self.request(Method::GET, "counts")).await
    }

    /// The faults in force and what they did.
    ///
    /// # Errors
    /// [`ControlError`].
    pub async fn faults(&self) -> Result<FaultReport, ControlError> {
        Self::json(self.request(Method::GET, "faults")).await
    }

    /// Puts these rules in place of all.
    ///
    /// # Errors
    /// [`ControlError`]; refused if a rule makes no sense.
    pub async fn set_faults(&self, rules: &[Rule]) -> Result<FaultReport, ControlError> {
        Self::json(self.request(Method::PUT, "faults").json(rules)).await
    }

    /// Adds rules.
    ///
    /// # Errors
    /// [`ControlError`]; refused if a rule makes no sense.
    pub async fn add_faults(&self, rules: &[Rule]) -> Result<FaultReport, ControlError> {
        Self::json(self.request(Method::POST, "faults").json(rules)).await
    }

    /// Heals everything.
    ///
    /// # Errors
    /// [`ControlError`].
    pub async fn clear_faults(&self) -> Result<FaultReport, ControlError> {
        Self::json(self.request(Method::DELETE, "faults")).await
    }

    /// All resources of a kind.
    ///
    /// # Errors
    /// [`ControlError`].
    pub async fn contents(&self, kind: Kind) -> Result<Vec<Value>, ControlError> {
        Self::lines(self.contents_of(kind)).await
    }

    /// All resources of a kind, one after the other, as far as `T` wants to know of them: for many, of which not all is to be kept.
    ///
    /// # Errors
    /// [`ControlError`].
    pub async fn each_content<T: DeserializeOwned>(
        &self,
        kind: Kind,
        take: impl FnMut(T),
    ) -> Result<(), ControlError> {
        Self::each(self.contents_of(kind), take).await
    }

    fn contents_of(&self, kind: Kind) -> RequestBuilder {
        self.request(Method::GET, "contents").query(&[("type", kind.as_str())])
    }

    /// Puts a resource in past the FHIR server, as somebody at the clinic would, and gives its id.
    ///
    /// # Errors
    /// [`ControlError`].
    pub async fn plant(&self, kind: Kind, resource: &Value) -> Result<String, ControlError> {
        #[derive(serde::Deserialize)]
        struct Planted {
            id: String,
        }
        let request = self.request(Method::POST, "contents").query(&[("type", kind.as_str())]);
        Ok(Self::json::<Planted>(request.body(resource.to_string())).await?.id)
    }

    /// Takes a resource away with all its versions.
    ///
    /// # Errors
    /// [`ControlError`]; refused if it is not there.
    pub async fn remove(&self, kind: Kind, id: &str) -> Result<(), ControlError> {
        let request = self.request(Method::DELETE, "contents").query(&[("type", kind.as_str()), ("id", id)]);
        Self::send(request).await.map(drop)
    }

    /// Every write that the FHIR server saw, from this number on.
    ///
    /// # Errors
    /// [`ControlError`].
    pub async fn writes(&self, since: u64) -> Result<Vec<Write>, ControlError> {
        Self::lines(self.request(Method::GET, "writes").query(&[("since", since)])).await
    }

    /// All texts and mails.
    ///
    /// # Errors
    /// [`ControlError`].
    pub async fn messages(&self) -> Result<Vec<Message>, ControlError> {
        Self::lines(self.request(Method::GET, "messages")).await
    }

    /// Loads more of `members.csv`.
    ///
    /// # Errors
    /// [`ControlError`]; refused if a row cannot be read.
    pub async fn load_members(&self, csv: String) -> Result<(), ControlError> {
        Self::send(self.request(Method::POST, "members").body(csv)).await.map(drop)
    }

    /// Loads more of `slots.csv`.
    ///
    /// # Errors
    /// [`ControlError`]; refused if a row cannot be read.
    pub async fn load_slots(&self, csv: String) -> Result<(), ControlError> {
        Self::send(self.request(Method::POST, "slots").body(csv)).await.map(drop)
    }

    /// Forgets resources, writes, messages and faults; slots are free again, members stay.
    ///
    /// # Errors
    /// [`ControlError`].
    pub async fn reset(&self) -> Result<(), ControlError> {
        Self::send(self.request(Method::POST, "reset")).await.map(drop)
    }
}
