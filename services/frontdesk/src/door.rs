//! The gateway's front door, as a Make.com scenario uses it: signed by Standard Webhooks.

use anyhow::Context as _;
use domain::clock::{Clock as _, SystemClock};
use reqwest::{Client, RequestBuilder};
use standardwebhooks::Webhook;

use crate::local::endpoints::Gateway;

/// A scenario of one clinic: where it posts, and what it signs with.
pub struct Door {
    client: Client,
    url: String,
    signer: Webhook,
}

impl Door {
    /// The door for a clinic, with the secret of the source that may post for it.
    ///
    /// # Errors
    /// If there is no such source, or its secret cannot be read.
    pub fn of(gateway: &Gateway, client: &Client, clinic: &str) -> anyhow::Result<Self> {
        let source = gateway.sources.iter().find(|source| source.clinics.iter().any(|one| one == clinic));
        let file = &source.with_context(|| format!("no source may post for {clinic}"))?.secret_file;
        let secret =
            std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        let signer = Webhook::new(secret.trim()).context("not a webhook secret")?;
        Ok(Self { client: client.clone(), url: format!("{}/v1/intake/{clinic}", gateway.url), signer })
    }

    /// A signed request. `id` is the same for every try of one submission.
    ///
    /// # Errors
    /// If it cannot be signed.
    pub fn request(&self, id: &str, body: Vec<u8>) -> anyhow::Result<RequestBuilder> {
        let timestamp = SystemClock.now().as_second();
        let signature = self.signer.sign(id, timestamp, &body).context("cannot sign")?;
        let request = self.client.post(&self.url).header("content-type", "application/json");
        Ok(request
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp.to_string())
            .header("webhook-signature", signature)
            .body(body))
    }

    /// A name for a submission that is sent for the first time.
    pub fn fresh_id() -> String {
        format!("msg_{}", SystemClock.fresh_id())
    }
}
