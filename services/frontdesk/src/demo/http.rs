//! Posting to the gateway, as a Make.com scenario would: signed, one after the other for each clinic, tried again when told to.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use anyhow::bail;
use domain::{
    ClinicId,
    clock::{Clock, SystemClock},
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use reqwest::{Client, StatusCode};
use serde::Deserialize;

use super::{
    plan::{self, Sent},
    samples::Line,
};
use crate::{door::Door, local::endpoints::Gateway, output::Doing};

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
        let scenario = Scenario(Door::of(gateway, client, clinic.as_str())?);
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
struct Scenario(Door);

impl Scenario {
    async fn post(&self, line: &Line) -> anyhow::Result<Sent> {
        let begin = Instant::now();
        let id = Door::fresh_id();
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
            return Ok(Sent { number: line.number, door: plan::Door::Http, at, refused });
        }
    }

    async fn once(&self, id: &str, line: &Line) -> anyhow::Result<Answer> {
        let request = self.0.request(id, line.body.clone())?;
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
