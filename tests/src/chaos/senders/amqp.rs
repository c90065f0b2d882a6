//! Publishing to the ingest exchange: plain JSON, persistent, mandatory, confirmed, and again until it is.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use domain::{
    Exchange as Name, MessageId,
    clock::{Clock as _, SystemClock},
    submission::SCHEMA,
};
use runtime::{
    Boot, Settings,
    amqp::{Properties, PublishError, Publisher},
};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::courier::Tried;

/// The name that its messages and connections carry.
const APP: &str = "chaos";
/// A connection whose confirms stay away for so long is given up.
const CONFIRM_TIMEOUT_MS: i64 = 10_000;
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The ingest exchange, over several connections, each of which comes back by itself.
pub(super) struct Exchange {
    lines: Vec<(Boot, Publisher)>,
    turn: AtomicUsize,
}

impl Exchange {
    /// Opens the connections; whether the broker is there now does not matter.
    pub(super) async fn open(url_file: &Path, connections: usize) -> anyhow::Result<Self> {
        let amqp = toml::Table::from_iter([
            ("url_file".to_owned(), toml::Value::from(url_file.display().to_string())),
            ("confirm_timeout_ms".to_owned(), toml::Value::from(CONFIRM_TIMEOUT_MS)),
        ]);
        let text = toml::to_string(&toml::Table::from_iter([("amqp".to_owned(), amqp.into())]))?;
        let mut lines = Vec::with_capacity(connections.max(1));
        for _ in 0..connections.max(1) {
            let settings = Settings::from_toml(&text, Path::new("/"))?;
            let boot = Boot::new(APP, settings, Arc::new(SystemClock))?;
            let publisher = boot.publisher().await?;
            lines.push((boot, publisher));
        }
        Ok(Self { lines, turn: AtomicUsize::new(0) })
    }

    /// Publishes until it is confirmed, always under the same message id, or until the time is up.
    pub(super) async fn publish(&self, clinic: &str, message: Uuid, body: &[u8], end: Instant) -> Tried {
        let key = format!("clinic.{clinic}");
        let (mut doubtful, mut pause) = (false, FIRST_PAUSE);
        while Instant::now() < end {
            // Another connection each time: one may be cut while the others are not.
            let place = self.turn.fetch_add(1, Relaxed) % self.lines.len();
            let Some((_, publisher)) = self.lines.get(place) else { break };
            let id = MessageId::from_uuid(message);
            let properties = Properties::new(id, APP, "application/json", SystemClock.now()).schema(SCHEMA);
            let published = publisher.publish(Name::Ingest.as_str(), &key, properties, body.to_vec()).await;
            match published {
                Ok(()) => return Tried::Accepted,
                // It may have reached a queue before the connection went or another queue refused it.
                Err(PublishError::Lost | PublishError::Nacked) => doubtful = true,
                Err(PublishError::Returned | PublishError::Down | PublishError::Unsendable) => {}
            }
            sleep(pause.min(end.saturating_duration_since(Instant::now()))).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        Tried::GaveUp { doubtful }
    }

    pub(super) async fn close(&self) {
        for (boot, _) in &self.lines {
            boot.close().await;
        }
    }
}
