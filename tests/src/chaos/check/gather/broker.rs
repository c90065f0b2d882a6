//! The queues and the dead letters, through the broker's management API.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use reqwest::{Client, Method, RequestBuilder, Url};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::chaos::check::facts::{Dead, Queue};

/// The broker counts its queues every five seconds: an empty line must look empty for longer.
const QUIET: Duration = Duration::from_secs(6);
/// Looks are this far apart.
const PAUSE: Duration = Duration::from_millis(500);
/// How long that may take.
const SETTLES: Duration = Duration::from_secs(60);

/// The queues as they stand once the broker's counts have settled, and the letters in those for dead letters.
pub(super) async fn read(management_url: &str, vhost: &str) -> anyhow::Result<(Vec<Queue>, Vec<Dead>)> {
    let api = Api::new(management_url, vhost)?;
    let begin = Instant::now();
    let mut empty_since = None;
    // Whatever is left after that is judged as it is.
    while begin.elapsed() < SETTLES {
        let queues = api.queues().await.unwrap_or_default();
        let empty = |queue: &Queue| queue.is_dead_letters() || queue.messages == 0;
        if queues.is_empty() || !queues.iter().all(empty) {
            empty_since = None;
        } else if empty_since.get_or_insert_with(Instant::now).elapsed() >= QUIET {
            break;
        }
        sleep(PAUSE).await;
    }
    let queues = api.queues().await?;
    let mut dead = Vec::new();
    for queue in queues.iter().filter(|queue| queue.is_dead_letters() && queue.messages > 0) {
        dead.extend(api.letters(queue).await?);
    }
    Ok((queues, dead))
}

struct Api {
    client: Client,
    base: Url,
    vhost: String,
}

#[derive(Deserialize)]
struct Counted {
    name: String,
    #[serde(default)]
    messages: u64,
}

#[derive(Deserialize)]
struct Letter {
    /// An object, or an empty list where there are none.
    properties: Value,
}

impl Api {
    fn new(management_url: &str, vhost: &str) -> anyhow::Result<Self> {
        let base = Url::parse(management_url).ok().context("the management API has no usable URL")?;
        Ok(Self { client: Client::builder().no_proxy().build()?, base, vhost: vhost.to_owned() })
    }

    /// User and password go along in the URL, from which the client makes the header.
    fn request(&self, method: Method, path: &[&str]) -> anyhow::Result<RequestBuilder> {
        let mut url = self.base.clone();
        let mut segments = url.path_segments_mut().ok().context("the management API has no usable URL")?;
        // Each is encoded, the slash of a virtual host too.
        segments.pop_if_empty().push("api").push("queues").push(&self.vhost).extend(path);
        drop(segments);
        Ok(self.client.request(method, url))
    }

    async fn queues(&self) -> anyhow::Result<Vec<Queue>> {
        let request = self.request(Method::GET, &[])?.query(&[("columns", "name,messages")]);
        // The error's own text would quote the URL, with the password in it.
        let answer = request.send().await.and_then(reqwest::Response::error_for_status);
        let listed: Vec<Counted> = answer.map_err(reqwest::Error::without_url)?.json().await?;
        Ok(listed.into_iter().map(|one| Queue { name: one.name, messages: one.messages }).collect())
    }

    /// Looks at the letters and leaves them where they are.
    async fn letters(&self, queue: &Queue) -> anyhow::Result<Vec<Dead>> {
        let wish = json!({
            "count": queue.messages, "ackmode": "ack_requeue_true", "encoding": "base64", "truncate": 1,
        });
        let request = self.request(Method::POST, &[&queue.name, "get"])?.json(&wish);
        let answer = request.send().await.and_then(reqwest::Response::error_for_status);
        let letters: Vec<Letter> = answer.map_err(reqwest::Error::without_url)?.json().await?;
        let ids = letters.iter().map(|letter| letter.properties["message_id"].as_str()?.parse().ok());
        Ok(ids.map(|message| Dead { queue: queue.name.clone(), message }).collect())
    }
}
