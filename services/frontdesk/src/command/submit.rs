//! `frontdesk submit`.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Args;
use reqwest::ClientBuilder;
use serde_json::Value;

use crate::{
    door::Door,
    local::{
        Layout,
        endpoints::{Endpoints, Gateway, Source},
    },
    output,
};

/// Send a submission to a gateway, signed as a Make.com scenario signs it, and show the answer.
#[derive(Debug, Args)]
pub struct Submit {
    /// A file with one submission (see schemas/intake.submission.v1.json).
    file: PathBuf,
    /// The gateway [default: that of the local run].
    #[arg(long, value_name = "URL", requires = "secret_file")]
    url: Option<String>,
    /// The file with the secret of the source that may post there.
    #[arg(long, value_name = "FILE", requires = "url")]
    secret_file: Option<PathBuf>,
}

impl Submit {
    /// Sends it.
    ///
    /// # Errors
    /// If nothing is running, or the gateway refuses it: with its problem document.
    pub async fn run(&self, layout: &Layout) -> anyhow::Result<()> {
        let body =
            std::fs::read(&self.file).with_context(|| format!("cannot read {}", self.file.display()))?;
        let submission: Value = serde_json::from_slice(&body).context("not JSON")?;
        let clinic = submission["clinic_id"].as_str().context("the submission has no clinic_id")?;
        let (gateway, client) = self.gateway(layout, clinic)?;
        let door = Door::of(&gateway, &client.no_proxy().build()?, clinic)?;
        let answer =
            door.request(&Door::fresh_id(), body)?.send().await.context("the gateway does not answer")?;
        let status = answer.status();
        let told: Value = answer.json().await.context("the gateway's answer is not JSON")?;
        output::result(&serde_json::to_string_pretty(&told)?)?;
        if !status.is_success() {
            bail!("the gateway refused it: {status}");
        }
        Ok(())
    }

    /// The gateway, and who asks it.
    fn gateway(&self, layout: &Layout, clinic: &str) -> anyhow::Result<(Gateway, ClientBuilder)> {
        let (Some(url), Some(secret_file)) = (&self.url, &self.secret_file) else {
            let endpoints = Endpoints::read(layout)?;
            let client = endpoints.client()?;
            return Ok((endpoints.gateway, client));
        };
        let source = Source {
            name: String::new(),
            kind: String::new(),
            clinics: vec![clinic.to_owned()],
            secret_file: secret_file.clone(),
        };
        let gateway = Gateway { url: url.trim_end_matches('/').to_owned(), sources: vec![source] };
        Ok((gateway, reqwest::Client::builder()))
    }
}
