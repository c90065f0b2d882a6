//! The dead letters, wherever they are by now: collected, or on their way.

use std::time::Instant;

use anyhow::{bail, ensure};
use tokio_postgres::NoTls;

use crate::{Line, PATIENCE};

/// A dead letter that was collected.
pub struct Dead {
    /// The stage that gave up.
    pub stage: String,
    /// Why.
    pub code: String,
    /// The whole row as text, the body as it lies there: to look for what must not be in it.
    pub row: String,
}

const LETTERS: &str =
    "SELECT stage, coalesce(code, '-'), l::text || convert_from(envelope, 'UTF8') FROM dead_letter l";

impl Line {
    /// Waits until so many dead letters are collected and none is left on the broker, and gives them.
    ///
    /// # Errors
    /// If there are not so many within [`PATIENCE`], or there are more.
    pub async fn dead_letters(&self, count: usize) -> anyhow::Result<Vec<Dead>> {
        let begin = Instant::now();
        loop {
            let waiting = self.ops.status().await?.queues.unwrap_or_default();
            let left: u64 = waiting
                .iter()
                .filter(|queue| queue.queue.ends_with(".dlq"))
                .map(|queue| queue.ready + queue.unacknowledged)
                .sum();
            let letters = self.collected().await?;
            ensure!(letters.len() <= count, "{} dead letters, and not {count}", letters.len());
            if letters.len() == count && left == 0 {
                return Ok(letters);
            }
            if begin.elapsed() > PATIENCE {
                bail!("{} dead letters are collected and {left} are on the broker", letters.len());
            }
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
    }

    async fn collected(&self) -> anyhow::Result<Vec<Dead>> {
        let url = std::fs::read_to_string(&self.endpoints.postgres.url_file)?;
        let (client, connection) = tokio_postgres::connect(url.trim(), NoTls).await?;
        let connection = tokio::spawn(connection);
        let rows = client.query(LETTERS, &[]).await?;
        drop(client);
        connection.await??;
        let dead = |row: tokio_postgres::Row| {
            Ok(Dead { stage: row.try_get(0)?, code: row.try_get(1)?, row: row.try_get(2)? })
        };
        rows.into_iter().map(dead).collect()
    }
}
