//! A tap on the broker: its firehose gives a copy of every message at every publish and every delivery, with exchange, queue, properties and headers.

use std::{sync::Mutex, sync::PoisonError, time::Duration};

use anyhow::{Context as _, ensure};
use domain::Exchange;
use reqwest::{Client, Method, RequestBuilder, Url};
use serde_json::{Value, json};
use testkit::wait;

use super::{Sink, Written};

/// The queue that takes the copies.
const QUEUE: &str = "leak.tap";
/// Where the broker publishes them.
const FIREHOSE: &str = "amq.rabbitmq.trace";
/// Messages taken at once.
const AT_ONCE: u32 = 500;
/// Bytes of a body that are taken: all.
const WHOLE: u32 = 16 << 20;

/// The tap.
pub struct Tap {
    http: Client,
    management: Url,
    vhost: String,
    taken: Mutex<Vec<Value>>,
}

impl Tap {
    /// Opens it. It listens from now on, until the broker is started anew.
    ///
    /// # Errors
    /// If the broker does not do it.
    pub async fn open(management: &str, vhost: &str) -> anyhow::Result<Self> {
        let http = Client::builder().no_proxy().timeout(Duration::from_secs(60)).build()?;
        let tap = Self {
            http,
            management: Url::parse(management)?,
            vhost: vhost.to_owned(),
            taken: Mutex::default(),
        };
        tap.listen().await?;
        Ok(tap)
    }

    /// Listens again, after the broker was started anew.
    ///
    /// # Errors
    /// If the broker does not do it.
    pub async fn listen(&self) -> anyhow::Result<()> {
        let ok = async |request: RequestBuilder| {
            request.send().await.is_ok_and(|answer| answer.status().is_success())
        };
        let all = async || {
            let queue =
                self.request(Method::PUT, &["queues", &self.vhost, QUEUE]).json(&json!({ "durable": true }));
            let bind = self.request(Method::POST, &["bindings", &self.vhost, "e", FIREHOSE, "q", QUEUE]);
            let trace = self.request(Method::PUT, &["vhosts", &self.vhost]).json(&json!({ "tracing": true }));
            ok(queue).await && ok(bind.json(&json!({ "routing_key": "#" }))).await && ok(trace).await
        };
        wait::until(crate::PATIENCE, all).await.context("the broker does not trace")
    }

    /// Publishes a message to a queue of its own, which the tap then hears and the broker's disk holds.
    ///
    /// # Errors
    /// If the broker does not take it.
    pub(super) async fn plant(&self, header: &str, body: &str) -> anyhow::Result<()> {
        const OWN: &str = "leak.control";
        let declare = json!({ "durable": true, "arguments": { "x-queue-type": "quorum" } });
        let made = self.request(Method::PUT, &["queues", &self.vhost, OWN]).json(&declare).send().await?;
        ensure!(made.status().is_success(), "the broker makes no queue: {}", made.status());
        let message = json!({
            "properties": { "delivery_mode": 2, "headers": { "name": header } },
            "routing_key": OWN, "payload": body, "payload_encoding": "string",
        });
        let sent = self.request(Method::POST, &["exchanges", &self.vhost, "amq.default", "publish"]);
        let sent: Value = sent.json(&message).send().await?.error_for_status()?.json().await?;
        ensure!(sent["routed"] == true, "the broker does not route a control");
        Ok(())
    }

    /// Publishes to the ingest exchange what a scenario can publish by itself: any properties, any headers.
    ///
    /// # Errors
    /// If the broker does not take it.
    pub async fn publish(&self, clinic: &str, properties: Value, body: &Value) -> anyhow::Result<()> {
        let message = json!({
            "properties": properties, "routing_key": format!("clinic.{clinic}"),
            "payload": body.to_string(), "payload_encoding": "string",
        });
        let path = ["exchanges", &self.vhost, Exchange::Ingest.as_str(), "publish"];
        let sent = self.request(Method::POST, &path).json(&message).send().await?;
        let sent: Value = sent.error_for_status()?.json().await?;
        ensure!(sent["routed"] == true, "the broker does not route a submission");
        Ok(())
    }

    /// Everything that it heard until now.
    pub(super) async fn written(&self) -> anyhow::Result<Vec<Written>> {
        self.take().await?;
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(taken.iter().map(written).collect())
    }

    /// Takes what it heard until now. A broker that is killed forgets it.
    ///
    /// # Errors
    /// If the broker does not give it.
    pub async fn take(&self) -> anyhow::Result<()> {
        let ask = json!({ "count": AT_ONCE, "ackmode": "ack_requeue_false", "encoding": "auto", "truncate": WHOLE });
        loop {
            let get = self.request(Method::POST, &["queues", &self.vhost, QUEUE, "get"]).json(&ask);
            let heard: Vec<Value> = get.send().await?.error_for_status()?.json().await?;
            if heard.is_empty() {
                return Ok(());
            }
            self.taken.lock().unwrap_or_else(PoisonError::into_inner).extend(heard);
        }
    }

    /// How many copies it has taken.
    pub fn heard(&self) -> usize {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether one of those that it has taken after so many begins so.
    pub fn heard_since(&self, before: usize, begin: &str) -> bool {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let begins = |copy: &Value| copy["routing_key"].as_str().is_some_and(|key| key.starts_with(begin));
        taken.iter().skip(before).any(begins)
    }

    fn request(&self, method: Method, path: &[&str]) -> RequestBuilder {
        let mut url = self.management.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.clear().push("api").extend(path);
        }
        self.http.request(method, url)
    }
}

/// A copy, as the management API tells it: its routing key is `publish.<exchange>` or `deliver.<queue>`. In clear may be what is
/// published to the ingest exchange, and what the first stage gets from its queues; wherever it goes from there it is sealed.
fn written(copy: &Value) -> Written {
    let place = copy["routing_key"].as_str().unwrap_or_default();
    let to = &copy["properties"]["headers"]["routing_keys"];
    Written::bytes(Sink::Messages, format!("{place} {to}"), copy.to_string().into_bytes())
        .clear(may_be_clear(place))
}

fn may_be_clear(place: &str) -> bool {
    let of_validation = place.strip_prefix("deliver.validation.");
    place == "publish.intake.ingest" || of_validation.is_some_and(|lane| !lane.ends_with(".dlq"))
}

#[cfg(test)]
mod tests {
    use super::may_be_clear;

    #[test]
    fn in_clear_is_only_what_a_scenario_published_and_only_on_its_first_way() {
        assert!(may_be_clear("publish.intake.ingest") && may_be_clear("deliver.validation.lane-1"));
        for place in [
            "publish.intake.validated",
            "publish.",
            "deliver.wait.5s",
            "deliver.validation.lane-1.dlq",
            "deliver.eligibility.lane-1",
            "publish.validation.lane-1.dlx",
        ] {
            assert!(!may_be_clear(place), "{place}");
        }
    }
}
