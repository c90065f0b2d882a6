//! The tests' own hand on the broker: publishes as a scenario would.

use std::{path::Path, sync::Arc};

use domain::{
    Exchange, MessageId,
    clock::{Clock, SystemClock},
    submission::SCHEMA,
};
use runtime::{
    Boot, Settings,
    amqp::{Properties, Publisher},
};
use serde_json::Value;

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
        let (message, now) = (MessageId::from_uuid(SystemClock.fresh_id()), SystemClock.now());
        let properties = Properties::new(message, "tests", content_type, now).schema(schema);
        let key = format!("clinic.{clinic}");
        self.publisher.publish(Exchange::Ingest.as_str(), &key, properties, body).await?;
        Ok(())
    }

    /// Closes the connection.
    pub async fn close(&self) {
        self.boot.close().await;
    }
}
