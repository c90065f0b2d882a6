//! A tap: a copy of every message that an exchange of the line announces.

use anyhow::Context as _;
use domain::Exchange;
use serde_json::{Value, json};

use crate::Line;

const QUEUE: &str = "tap";

impl Line {
    /// Opens the tap.
    ///
    /// # Errors
    /// If the broker does not let us.
    pub async fn tap(&self) -> anyhow::Result<()> {
        let vhost = self.endpoints.amqp.name.as_str();
        self.manage(reqwest::Method::PUT, &["queues", vhost, QUEUE], json!({ "durable": true })).await?;
        for exchange in Exchange::ALL {
            let path = ["bindings", vhost, "e", exchange.as_str(), "q", QUEUE];
            self.manage(reqwest::Method::POST, &path, json!({ "routing_key": "clinic.#" })).await?;
        }
        Ok(())
    }

    /// What came through it since it was asked last: exchange, properties and headers of each message.
    ///
    /// # Errors
    /// If the broker does not answer.
    pub async fn tapped(&self) -> anyhow::Result<Vec<Value>> {
        let body =
            json!({ "count": 10_000, "ackmode": "ack_requeue_false", "encoding": "base64", "truncate": 1 });
        let path = ["queues", self.endpoints.amqp.name.as_str(), QUEUE, "get"];
        let answer = self.manage(reqwest::Method::POST, &path, body).await?;
        Ok(answer.json().await?)
    }

    async fn manage(
        &self,
        method: reqwest::Method,
        path: &[&str],
        body: Value,
    ) -> anyhow::Result<reqwest::Response> {
        let mut url = reqwest::Url::parse(&self.endpoints.management.url()?)?;
        url.path_segments_mut().ok().context("not a URL")?.clear().push("api").extend(path);
        Ok(self.http().request(method, url).json(&body).send().await?.error_for_status()?)
    }
}
