//! Publishing: persistent, mandatory, confirmed, and pipelined.
//!
//! One task owns one channel, so that messages get their confirm numbers in the order in which their frames are queued.
//! A publish counts only if the broker acknowledged it and no queue's absence returned it.

mod returns;
mod window;

use std::{sync::Arc, time::Duration};

use lapin::{Channel, options::ConfirmSelectOptions};
use tokio::sync::{mpsc, oneshot};
use tracing::Instrument as _;

use super::{Link, Properties, Session};
use crate::{
    config::AmqpSection,
    telemetry::{self, Metrics},
};
use window::Window;

/// Jobs that wait for a place in the window.
const WAITING: usize = 64;

/// The message cannot be relied on to be in a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// No queue is bound for it: the topology lacks something.
    #[error("no queue takes the message")]
    Returned,
    /// The broker refused it: a queue is full, or failing.
    #[error("the broker refused the message")]
    Nacked,
    /// The connection went before the confirm came: it may or may not be there. Treat it as unsent.
    #[error("the connection was lost before the confirm")]
    Lost,
    /// There is no connection: it was not sent.
    #[error("the broker is not connected")]
    Down,
    /// A property is longer than AMQP allows: it was not sent.
    #[error("a property is too long")]
    Unsendable,
}

impl PublishError {
    /// Its name on spans.
    const fn name(self) -> &'static str {
        match self {
            Self::Returned => "returned",
            Self::Nacked => "nacked",
            Self::Lost => "lost",
            Self::Down => "down",
            Self::Unsendable => "unsendable",
        }
    }
}

struct Job {
    exchange: String,
    routing_key: String,
    properties: Properties,
    body: Vec<u8>,
    reply: oneshot::Sender<Result<(), PublishError>>,
}

/// A handle on the publisher. Cheap to clone.
#[derive(Clone)]
pub struct Publisher {
    jobs: mpsc::Sender<Job>,
    link: Link,
}

impl Publisher {
    /// Starts the publishing task over a link.
    pub fn start(link: Link, section: &AmqpSection, metrics: Arc<Metrics>) -> Self {
        let (jobs, queue) = mpsc::channel(WAITING);
        let window = Window::new(section.in_flight, section.confirm_timeout(), metrics);
        tokio::spawn(run(link.clone(), queue, window));
        Self { jobs, link }
    }

    /// Publishes to an exchange. Resolves when the broker has confirmed the message and routed it to at least one queue.
    /// Waits while the window is full; fails at once while there is no connection. The message carries the trace of its own producer span,
    /// below the current one.
    ///
    /// # Errors
    /// [`PublishError`]; none of them is retried here. Dropping the future does not take the message back.
    pub async fn publish(
        &self,
        exchange: &str,
        routing_key: &str,
        mut properties: Properties,
        body: Vec<u8>,
    ) -> Result<(), PublishError> {
        let span = telemetry::send(exchange, routing_key, &mut properties);
        let publishing = self.confirmed(exchange, routing_key, properties, body);
        let published = publishing.instrument(span.clone()).await;
        if let Err(error) = published {
            telemetry::spans::failed(&span, error.name());
        }
        published
    }

    async fn confirmed(
        &self,
        exchange: &str,
        routing_key: &str,
        properties: Properties,
        body: Vec<u8>,
    ) -> Result<(), PublishError> {
        let (reply, confirmed) = oneshot::channel();
        let job = Job {
            exchange: exchange.to_owned(),
            routing_key: routing_key.to_owned(),
            properties,
            body,
            reply,
        };
        self.jobs.send(job).await.map_err(|_| PublishError::Down)?;
        confirmed.await.unwrap_or(Err(PublishError::Lost))
    }

    /// The connection underneath.
    pub const fn link(&self) -> &Link {
        &self.link
    }
}

async fn run(link: Link, mut jobs: mpsc::Receiver<Job>, mut window: Window) {
    loop {
        let connected = tokio::select! {
            connected = link.connected() => connected,
            job = jobs.recv() => match job {
                Some(job) => {
                    let _ = job.reply.send(Err(PublishError::Down));
                    continue;
                }
                None => return,
            },
        };
        let Ok(session) = connected else {
            refuse(&mut jobs).await;
            return;
        };
        let Some(channel) = confirming(&session).await else {
            // Not to spin on a connection that is dead and not yet known to be, or that takes nothing.
            let _ = tokio::time::timeout(Duration::from_millis(100), session.lost().cancelled()).await;
            continue;
        };
        if window.drive(&session, &channel, &mut jobs).await.is_break() {
            return;
        }
    }
}

/// A channel on which publishes are confirmed.
async fn confirming(session: &Session) -> Option<Channel> {
    let channel = session.channel().await.ok()?;
    channel.confirm_select(ConfirmSelectOptions::default()).await.ok()?;
    Some(channel)
}

/// The link was stopped: nothing is sent any more.
async fn refuse(jobs: &mut mpsc::Receiver<Job>) {
    while let Some(job) = jobs.recv().await {
        let _ = job.reply.send(Err(PublishError::Down));
    }
}
