//! The tests' own hand on the broker: publishes as a scenario would.

use std::{path::Path, sync::Arc};

use domain::{
    CorrelationId, Exchange, MessageId,
    clock::{Clock, SystemClock},
    submission::SCHEMA,
};
use runtime::{
    Boot, Settings,
    amqp::{Properties, Publisher, header},
};
use serde_json::Value;

fn properties(content_type: &str) -> Properties {
    let (message, now) = (MessageId::from_uuid(SystemClock.fresh_id()), SystemClock.now());
    Properties::new(message, "tests", content_type, now)
}

/// A connection of our own.
pub struct Broker {
    boot: Boot,
    publisher: Publisher,
}

impl Broker {
    pub(crate) async fn connect(url_file: &Path) -> anyhow::Result<Self> {
        let settings = format!("[amqp]\nurl_file = {:?}\n", url_file.display().to_string());
        let boot =
            Boot::new("tests", Settings::from_toml(&settings, Path::new("/"))?, Arc::new(SystemClock))?;
        let publisher = boot.publisher().await?;
        publisher.link().connected().await?;
        Ok(Self { boot, publisher })
    }

    /// Publishes a submission in clear, as a scenario would, and waits for the confirm.
    ///
    /// # Errors
    /// If the broker does not take it.
    pub async fn submit(&self, submission: &Value) -> anyhow::Result<()> {
        let clinic = submission["clinic_id"].as_str().unwrap_or("unknown");
        self.raw(clinic, SCHEMA, "application/json", serde_json::to_vec(submission)?).await
    }

    /// Publishes any body to the ingest exchange.
    ///
    /// # Errors
    /// If the broker does not take it.
    pub async fn raw(
        &self,
        clinic: &str,
        schema: &str,
        content_type: &str,
        body: Vec<u8>,
    ) -> anyhow::Result<()> {
        self.publish(clinic, properties(content_type).schema(schema), body).await
    }

    /// Publishes a submission in clear as part of a trace, under a correlation id of the sender's.
    ///
    /// # Errors
    /// If the broker does not take it.
    pub async fn submit_within(
        &self,
        submission: &Value,
        traceparent: &str,
        correlation: CorrelationId,
    ) -> anyhow::Result<()> {
        let clinic = submission["clinic_id"].as_str().unwrap_or("unknown");
        let properties = properties("application/json")
            .schema(SCHEMA)
            .correlation(correlation)
            .header(header::TRACEPARENT, Some(traceparent));
        self.publish(clinic, properties, serde_json::to_vec(submission)?).await
    }

    async fn publish(&self, clinic: &str, properties: Properties, body: Vec<u8>) -> anyhow::Result<()> {
        let key = format!("clinic.{clinic}");
        self.publisher.publish(Exchange::Ingest.as_str(), &key, properties, body).await?;
        Ok(())
    }

    /// Closes the connection.
    pub async fn close(&self) {
        self.boot.close().await;
    }
}
