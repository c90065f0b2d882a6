//! A client of the ops API.

pub mod acts;
mod answer;
pub mod edits;
pub mod holds;
pub mod letters;
pub mod plans;
pub mod reconciliations;
mod switches;
mod traces;

use std::path::Path;

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use reqwest::{Client, ClientBuilder, RequestBuilder};
use serde::{Deserialize, de::DeserializeOwned};

pub use switches::{Backlog, Pause, Paused, Scopes};
pub use traces::{Match, Reached, Traced};

use self::{
    answer::{answered, found, told},
    reconciliations::Silent,
};
use crate::local::{Layout, endpoints::Endpoints};

/// The API of a running system.
pub struct Ops {
    client: Client,
    url: String,
    token: String,
}

/// What came of one admission.
#[derive(Debug, Clone, Deserialize)]
pub struct Outcome {
    /// The sender's identifier.
    #[serde(default)]
    pub submission_id: String,
    /// The clinic.
    pub clinic_id: String,
    /// Where it stands.
    pub state: String,
    /// Why.
    pub code: Option<String>,
    /// The field in question.
    pub field: Option<String>,
    /// The EHR's id of the patient.
    pub patient: Option<String>,
    /// The EHR's id of the appointment.
    pub appointment: Option<String>,
    /// What the payer said.
    pub eligibility: Option<String>,
    /// Channels over which the patient was told.
    #[serde(default)]
    pub notified: Option<Vec<String>>,
}

/// One admission with its timeline.
#[derive(Debug, Clone, Deserialize)]
pub struct Admission {
    /// Where it stands.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// The correlation id.
    pub correlation_id: String,
    /// When it was first seen.
    pub received_at: Timestamp,
    /// When it came to where it stands; absent in flight.
    pub settled_at: Option<Timestamp>,
    /// Hop by hop, oldest first.
    pub timeline: Vec<Step>,
    /// What was done in the EHR, oldest first.
    #[serde(default)]
    pub effects: Vec<Effect>,
}

/// One lease, outcome or search of an effect in the EHR.
#[derive(Debug, Clone, Deserialize)]
pub struct Effect {
    /// When.
    pub at: Timestamp,
    /// What the effect is on.
    pub kind: String,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// What happened.
    pub event: String,
    /// The state that it led to.
    pub state: String,
    /// Why.
    pub code: Option<String>,
}

/// One hop.
#[derive(Debug, Clone, Deserialize)]
pub struct Step {
    /// When it was decided.
    pub at: Timestamp,
    /// Where.
    pub stage: String,
    /// In which lane.
    pub lane: String,
    /// What.
    pub event: String,
    /// Why.
    pub code: Option<String>,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// How long it was in hand, milliseconds.
    pub took_ms: i64,
    /// The template in force.
    pub template: Option<String>,
    /// W3C trace id.
    pub trace_id: Option<String>,
}

/// The line at a glance.
#[derive(Debug, Clone, Deserialize)]
pub struct Status {
    /// When it was looked at.
    pub at: Timestamp,
    /// What passed is counted over so many seconds before that.
    pub window_s: i64,
    /// Submissions by state.
    pub states: Vec<StateCount>,
    /// Every stage in every lane, in the order of the line.
    pub lanes: Vec<Place>,
    /// The broker's queues, if it can be asked.
    pub queues: Option<Vec<Queue>>,
    /// What is paused.
    pub paused: Vec<Pause>,
    /// The circuit breakers that are not closed.
    pub breakers: Vec<Breaker>,
    /// Sources that normally send and have stopped.
    #[serde(default)]
    pub silent: Vec<Silent>,
}

/// A circuit breaker that is not closed, in one process.
#[derive(Debug, Clone, Deserialize)]
pub struct Breaker {
    /// Of what.
    pub endpoint: String,
    /// In a process of which stage.
    pub stage: String,
    /// The lanes whose messages it has put off.
    pub lanes: Vec<String>,
    /// `open`, `recovering` or `unknown`.
    pub state: String,
    /// When the endpoint's failures began.
    pub since: Timestamp,
    /// When it lets the next probe pass.
    pub probe_at: Option<Timestamp>,
}

/// One stage in one lane; `None` where it is not known.
#[derive(Debug, Clone, Deserialize)]
pub struct Place {
    /// The stage.
    pub stage: String,
    /// The lane.
    pub lane: String,
    /// Messages that wait.
    pub ready: Option<u64>,
    /// Messages in a consumer's hand.
    pub unacknowledged: Option<u64>,
    /// Dead letters.
    pub dead: Option<u64>,
    /// Submissions that wait for a person.
    pub held: u64,
    /// Messages a minute that the stage was done with.
    pub per_minute: f64,
    /// Seconds since the oldest submission there was received.
    pub oldest_s: Option<i64>,
    /// Whether the stage or the lane is paused as a whole.
    pub paused: bool,
    /// How the breaker stands that puts its messages off.
    pub breaker: Option<String>,
}

/// How many submissions stand there.
#[derive(Debug, Clone, Deserialize)]
pub struct StateCount {
    /// The state.
    pub state: String,
    /// How many.
    pub count: u64,
}

/// One queue.
#[derive(Debug, Clone, Deserialize)]
pub struct Queue {
    /// Its name.
    pub queue: String,
    /// Messages that wait.
    pub ready: u64,
    /// Messages in a consumer's hand.
    pub unacknowledged: u64,
}

#[derive(Deserialize)]
struct Found {
    admissions: Vec<Admission>,
}

impl Ops {
    /// The API of a local run that is up.
    ///
    /// # Errors
    /// If none is.
    pub fn local(layout: &Layout) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(layout.endpoints()).context(
            "nothing is running here: start it with ./dev up, or name an API with --url and --token-file",
        )?;
        let endpoints: Endpoints = serde_json::from_str(&text)?;
        Self::by(endpoints.client()?, &endpoints.ops.url, &endpoints.ops.token_file)
    }

    /// The API at a URL, with the token in a file.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn new(url: &str, token_file: &Path) -> anyhow::Result<Self> {
        Self::by(Client::builder(), url, token_file)
    }

    fn by(client: ClientBuilder, url: &str, token_file: &Path) -> anyhow::Result<Self> {
        if !is_private(url) {
            bail!("the token would go over the network in clear: name an https URL");
        }
        let token = std::fs::read_to_string(token_file)
            .with_context(|| format!("cannot read the token in {}", token_file.display()))?;
        let client = client.timeout(std::time::Duration::from_secs(60)).build()?;
        Ok(Self { client, url: url.trim_end_matches('/').to_owned(), token: token.trim().to_owned() })
    }

    /// One row for each admission, as the API writes them.
    ///
    /// # Errors
    /// If the API does not answer.
    pub async fn outcomes_text(&self) -> anyhow::Result<String> {
        answered(self.get("outcomes")).await?.text().await.context("the answer was cut off: try again")
    }

    /// One row for each admission.
    ///
    /// # Errors
    /// If the API does not answer.
    pub async fn outcomes(&self) -> anyhow::Result<Vec<Outcome>> {
        let text = self.outcomes_text().await?;
        text.lines().map(|line| serde_json::from_str(line).context("not an outcome")).collect()
    }

    /// All admissions under an identifier; none if there are none.
    ///
    /// # Errors
    /// If the API does not answer.
    pub async fn submission(&self, id: &str) -> anyhow::Result<Vec<Admission>> {
        let Some(mut found) = found::<Found>(self.get(&format!("submissions/{id}"))).await? else {
            return Ok(Vec::new());
        };
        for admission in &mut found.admissions {
            id.clone_into(&mut admission.outcome.submission_id);
        }
        Ok(found.admissions)
    }

    /// The line at a glance.
    ///
    /// # Errors
    /// If the API does not answer.
    pub async fn status(&self) -> anyhow::Result<Status> {
        self.json("status").await
    }

    async fn json<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        told(self.get(path)).await
    }

    fn post(&self, segments: &[&str]) -> anyhow::Result<RequestBuilder> {
        let mut url = reqwest::Url::parse(&self.url).context("the ops API's URL")?;
        let Ok(mut path) = url.path_segments_mut() else { bail!("the ops API's URL takes no path") };
        path.pop_if_empty().push("v1").extend(segments);
        drop(path);
        Ok(self.client.post(url).bearer_auth(&self.token))
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}/v1/{path}", self.url)).bearer_auth(&self.token)
    }
}

/// Whether what is sent there cannot be read on the way: over TLS, or not leaving this machine.
fn is_private(url: &str) -> bool {
    let Ok(url) = reqwest::Url::parse(url) else { return false };
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let local =
        host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    url.scheme() == "https" || local
}

#[cfg(test)]
mod tests {
    use super::is_private;

    #[test]
    fn a_token_goes_nowhere_in_clear() {
        for url in [
            "https://ops.clinic.example",
            "http://127.0.0.1:8080",
            "http://[::1]:8080/",
            "http://localhost:1",
        ] {
            assert!(is_private(url), "{url}");
        }
        for url in [
            "http://ops.clinic.example",
            "http://10.0.0.7:8080",
            "http://127.0.0.1.evil.example",
            "ops:8080",
            "",
        ] {
            assert!(!is_private(url), "{url}");
        }
    }
}
