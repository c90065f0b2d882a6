//! Posting to the gateway, as a Make.com scenario would: signed, one after the other for each clinic, tried again when told to.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use domain::{
    ClinicId,
    clock::{Clock, SystemClock},
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use reqwest::{Client, StatusCode};
use serde::Deserialize;
use standardwebhooks::Webhook;

use super::{
    plan::{Door, Sent},
    samples::Line,
};
use crate::{local::endpoints::Gateway, output::Doing};

/// Clinics that post at once.
const AT_ONCE: usize = 8;
/// How long one submission is tried.
const PATIENCE: Duration = Duration::from_secs(60);

/// The end of a request.
enum Answer {
    Accepted,
    /// Try again after this time.
    Later(Duration),
    /// Refused for good, with the problem's name.
    Refused(String),
}

/// Posts every clinic's lines. What is refused for good comes back with the problem's name: it was not accepted.
///
/// # Errors
/// If the gateway does not take a submission within a minute.
pub async fn post(
    gateway: &Gateway,
    clinics: &BTreeMap<ClinicId, Vec<Line>>,
    doing: &Doing,
) -> anyhow::Result<Vec<Sent>> {
    let client = Client::builder().no_proxy().timeout(Duration::from_secs(30)).build()?;
    let all: usize = clinics.values().map(Vec::len).sum();
    let done = AtomicUsize::new(0);
    let (client, done) = (&client, &done);
    let posts = clinics.iter().map(|(clinic, lines)| async move {
        let scenario = Scenario::of(gateway, client, clinic)?;
        let mut sent = Vec::with_capacity(lines.len());
        for line in lines {
            sent.push(scenario.post(line).await?);
            let number = done.fetch_add(1, Ordering::Relaxed) + 1;
            doing.goes(format!("sending: {number} of {all} to the gateway"));
        }
        anyhow::Ok(sent)
    });
    let sent: Vec<Vec<Sent>> = stream::iter(posts).buffer_unordered(AT_ONCE).try_collect().await?;
    Ok(sent.into_iter().flatten().collect())
}

/// A scenario of one clinic.
struct Scenario<'a> {
    client: &'a Client,
    url: String,
    signer: Webhook,
}

impl<'a> Scenario<'a> {
    fn of(gateway: &Gateway, client: &'a Client, clinic: &ClinicId) -> anyhow::Result<Self> {
        let source =
            gateway.sources.iter().find(|source| source.clinics.iter().any(|one| one == clinic.as_str()));
        let file = &source.with_context(|| format!("no source may post for {clinic}"))?.secret_file;
        let secret =
            std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        let signer = Webhook::new(secret.trim()).context("not a webhook secret")?;
        Ok(Self { client, url: format!("{}/v1/intake/{clinic}", gateway.url), signer })
    }

    async fn post(&self, line: &Line) -> anyhow::Result<Sent> {
        let begin = Instant::now();
        let id = format!("msg_{}", SystemClock.fresh_id());
        let at = SystemClock.now();
        loop {
            let refused = match self.once(&id, line).await? {
                Answer::Accepted => None,
                Answer::Refused(problem) => Some(problem),
                Answer::Later(pause) if begin.elapsed() + pause < PATIENCE => {
                    tokio::time::sleep(pause).await;
                    continue;
                }
                Answer::Later(_) => bail!("the gateway did not take line {} within a minute", line.number),
            };
            return Ok(Sent { number: line.number, door: Door::Http, at, refused });
        }
    }

    async fn once(&self, id: &str, line: &Line) -> anyhow::Result<Answer> {
        let timestamp = SystemClock.now().as_second();
        let signature = self.signer.sign(id, timestamp, &line.body).context("cannot sign")?;
        let request = self
            .client
            .post(&self.url)
            .header("content-type", "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp.to_string())
            .header("webhook-signature", signature)
            .body(line.body.clone());
        let Ok(answer) = request.send().await else { return Ok(Answer::Later(Duration::from_millis(500))) };
        Ok(match answer.status() {
            StatusCode::ACCEPTED => Answer::Accepted,
            status if status.is_server_error() || matches!(status.as_u16(), 408 | 429) => {
                Answer::Later(pause(&answer))
            }
            _ if answer.headers().contains_key("retry-after") => Answer::Later(pause(&answer)),
            status => Answer::Refused(problem(status, answer).await),
        })
    }
}

/// What the gateway asks for, or a moment.
fn pause(answer: &reqwest::Response) -> Duration {
    let asked = answer.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
    asked.map_or(Duration::from_millis(500), Duration::from_secs)
}

/// The problem's name: the last part of its type.
async fn problem(status: StatusCode, answer: reqwest::Response) -> String {
    #[derive(Deserialize)]
    struct Problem {
        r#type: String,
    }
    match answer.json::<Problem>().await {
        Ok(Problem { r#type }) => r#type.rsplit(['/', ':', '#']).next().unwrap_or(&r#type).to_owned(),
        Err(_) => status.to_string(),
    }
}
