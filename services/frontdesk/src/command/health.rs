//! `frontdesk health`.

use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;

use crate::output;

/// Ask a health address once, for where there is no shell and no curl: a container's health check.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes:\n  0  it answers that all is well\n  1  it does not\n  2  the command line"
)]
pub struct Health {
    /// The address, such as http://127.0.0.1:9464/health/ready.
    url: reqwest::Url,
    /// Seconds to wait for the answer.
    #[arg(long, default_value_t = 3, value_name = "S", value_parser = clap::value_parser!(u64).range(1..=60))]
    timeout: u64,
}

impl Health {
    /// Asks.
    ///
    /// # Errors
    /// If nobody answers in time, or the answer is no: with what it says, which names conditions and no data.
    pub async fn run(&self) -> anyhow::Result<()> {
        let client =
            reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(self.timeout)).build()?;
        let answer = client.get(self.url.clone()).send().await.context("no answer")?;
        let status = answer.status();
        let said = answer.text().await.unwrap_or_default();
        if !status.is_success() {
            bail!("{status}: {}", said.trim());
        }
        output::result(said.trim())?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::Health;

    /// A server that answers once.
    async fn ask(answer: &'static str) -> Result<(), String> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/health/ready", listener.local_addr().unwrap()).parse().unwrap();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 1024]).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
        });
        let asked = Health { url, timeout: 10 }.run().await.map_err(|error| format!("{error:#}"));
        server.await.unwrap();
        asked
    }

    #[tokio::test]
    async fn says_what_the_address_says() {
        ask("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nlive\n").await.unwrap();
        let down = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 15\r\n\r\n{\"ready\":false}";
        assert!(ask(down).await.unwrap_err().contains("{\"ready\":false}"));
        let nobody = Health { url: "http://127.0.0.1:9/health/ready".parse().unwrap(), timeout: 1 };
        assert!(nobody.run().await.is_err());
    }
}
