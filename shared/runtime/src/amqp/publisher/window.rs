//! The messages in flight on one channel.

use std::{ops::ControlFlow, sync::Arc, time::Duration};

use domain::{
    MessageId,
    drill::{self, Point, Protection},
};
use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use lapin::{BasicProperties, Channel, Confirmation, options::BasicPublishOptions, types::ShortString};
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

use super::{Job, PublishError, returns::Returns};
use crate::{
    amqp::{Session, patience},
    telemetry::Metrics,
};

const MANDATORY: BasicPublishOptions = BasicPublishOptions { mandatory: true, immediate: false };

type Reply = oneshot::Sender<Result<(), PublishError>>;

/// A message whose fate the broker has told, or not in time.
struct Told {
    message: MessageId,
    reply: Reply,
    fate: Option<Confirmation>,
    took: Duration,
}

pub(super) struct Window {
    size: usize,
    patience: Duration,
    metrics: Arc<Metrics>,
}

impl Window {
    pub(super) const fn new(size: usize, patience: Duration, metrics: Arc<Metrics>) -> Self {
        Self { size, patience, metrics }
    }

    /// Publishes jobs over a channel until the channel or the connection is gone (continue) or no more jobs can come (break).
    pub(super) async fn drive(
        &mut self,
        session: &Session,
        channel: &Channel,
        jobs: &mut mpsc::Receiver<Job>,
    ) -> ControlFlow<()> {
        let mut flights: FuturesUnordered<BoxFuture<'static, Told>> = FuturesUnordered::new();
        let mut returns = Returns::default();
        let mut open = true;
        loop {
            tokio::select! {
                biased;
                Some(told) = flights.next(), if !flights.is_empty() => {
                    let told = settled(told, &mut flights, channel);
                    if self.tell(told, &mut returns).is_break() {
                        // An unconfirmed publish or a dead channel: everything in flight is unsent. Dropping the flights says so.
                        if channel.status().connected() {
                            session.suspect();
                        }
                        return ControlFlow::Continue(());
                    }
                }
                job = jobs.recv(), if open && flights.len() < self.size => match job {
                    Some(job) => self.launch(job, session, channel, &mut flights),
                    None => open = false,
                },
                () = session.lost().cancelled() => return ControlFlow::Continue(()),
            }
            if !open && flights.is_empty() {
                return ControlFlow::Break(());
            }
        }
    }

    fn launch(
        &self,
        job: Job,
        session: &Session,
        channel: &Channel,
        flights: &mut FuturesUnordered<BoxFuture<'static, Told>>,
    ) {
        let names = (ShortString::try_new(job.exchange), ShortString::try_new(job.routing_key));
        let (Ok(exchange), Ok(routing_key), Ok(properties)) = (names.0, names.1, job.properties.write())
        else {
            let _ = job.reply.send(Err(PublishError::Unsendable));
            return;
        };
        let (message, reply) = (job.properties.message, job.reply);
        let (limit, blocked) = (self.patience, session.blocked());
        let send = send(channel.clone(), exchange, routing_key, properties, job.body);
        let begin = Instant::now();
        flights.push(Box::pin(async move {
            let fate = patience::within(limit, blocked, send).await.and_then(Result::ok);
            Told { message, reply, fate, took: begin.elapsed() }
        }));
    }

    /// Answers those who wait. Breaks if the channel cannot be trusted any more.
    fn tell(&self, told: Vec<Told>, returns: &mut Returns) -> ControlFlow<()> {
        for one in &told {
            returns.note(one.fate.as_ref());
        }
        let mut trusted = ControlFlow::Continue(());
        for Told { message, reply, fate, took } in told {
            let result = match fate {
                _ if returns.take(message) => Err(PublishError::Returned),
                Some(Confirmation::Ack(_)) => Ok(()),
                Some(Confirmation::Nack(_)) => Err(PublishError::Nacked),
                Some(Confirmation::NotRequested) | None => Err(PublishError::Lost),
            };
            let counter = match result {
                Ok(()) => &self.metrics.confirmed,
                Err(PublishError::Returned) => &self.metrics.returned,
                Err(PublishError::Nacked) => &self.metrics.nacked,
                Err(_) => &self.metrics.lost,
            };
            counter.add_one();
            if result.is_ok() {
                self.metrics.confirm.took(took, &[]);
            }
            if result == Err(PublishError::Lost) {
                trusted = ControlFlow::Break(());
            }
            let _ = reply.send(result);
        }
        trusted
    }
}

async fn send(
    channel: Channel,
    exchange: ShortString,
    routing_key: ShortString,
    properties: BasicProperties,
    body: Vec<u8>,
) -> lapin::Result<Confirmation> {
    drill::at(Point::BeforePublish);
    let confirm = channel.basic_publish(exchange, routing_key, MANDATORY, &body, properties).await?;
    // Without the protection, what was handed to the socket counts.
    let fate = if drill::lacks(Protection::Confirms) { Confirmation::Ack(None) } else { confirm.await? };
    drill::at(Point::AfterPublish);
    Ok(fate)
}

/// All that are told by now. lapin hands a returned message to whichever confirm it resolves first, and resolves the confirms of
/// one `ack(multiple)` in no order, under one lock. Passing through that lock makes sure that we see all of them, and so every
/// returned message that belongs to one of them, before any is believed.
fn settled(
    first: Told,
    flights: &mut FuturesUnordered<BoxFuture<'static, Told>>,
    channel: &Channel,
) -> Vec<Told> {
    let mut told = vec![first];
    let _ = channel.wait_for_confirms().now_or_never();
    while let Some(Some(next)) = flights.next().now_or_never() {
        told.push(next);
    }
    told
}
