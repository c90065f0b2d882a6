//! How soon the line works again after the broker is back.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use domain::clock::{Clock as _, SystemClock};
use jiff::Timestamp;
use testkit::wait;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use super::{
    look,
    strikes::{Return, Strikes},
};

/// The first bytes of an AMQP 0-9-1 connection. A broker that is ready answers with a frame.
const GREETING: &[u8] = b"AMQP\x00\x00\x09\x01";
/// How often one looks.
const LOOK: Duration = Duration::from_millis(20);
/// How long the broker, and then the first message, may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// What to look at: the broker itself, and the journal, neither by way of a proxy.
#[derive(Clone)]
pub struct Watch {
    /// The broker.
    pub broker: SocketAddr,
    /// The database's URL.
    pub database: String,
}

impl Watch {
    /// Waits for the broker, which was just killed, and then for the first message that each stage begins to handle. A stage that is not
    /// seen in a minute, because other things are down too, has no figure.
    pub async fn measure(self, strikes: Arc<Strikes>) {
        // The socket of the dead node may still answer for an instant.
        if wait::until(PATIENCE, || async { !self.greets().await }).await.is_err() {
            return;
        }
        let begin = tokio::time::Instant::now();
        while !self.greets().await {
            if begin.elapsed() > PATIENCE {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
        // The journal's times are this clock's too.
        let back = SystemClock.now();
        let seen = wait::until_some(PATIENCE, || async {
            let seen = self.first_after(back).await?;
            (seen.len() >= 4).then_some(seen)
        })
        .await;
        let seen = match seen {
            Ok(seen) => seen,
            Err(_) => self.first_after(back).await.unwrap_or_default(),
        };
        for (stage, at) in seen {
            let took = Duration::try_from(at.duration_since(back)).unwrap_or_default();
            strikes.returned(Return { stage, took });
        }
    }

    async fn greets(&self) -> bool {
        let greet = async {
            let mut stream = TcpStream::connect(self.broker).await.ok()?;
            stream.write_all(GREETING).await.ok()?;
            let mut frame = [0_u8; 7];
            stream.read_exact(&mut frame).await.ok()?;
            // A method frame on channel 0: `connection.start`.
            (frame[..3] == [1, 0, 0]).then_some(())
        };
        matches!(timeout(Duration::from_secs(1), greet).await, Ok(Some(())))
    }

    async fn first_after(&self, back: Timestamp) -> Option<Vec<(String, Timestamp)>> {
        const SQL: &str =
            "SELECT stage, min(started_at) FROM journal WHERE at >= $1 AND started_at >= $1 GROUP BY stage";
        let rows = look::rows(&self.database, SQL, &[&back]).await.ok()?;
        rows.iter().map(|row| Some((row.try_get(0).ok()?, row.try_get(1).ok()?))).collect()
    }
}
