//! Consuming one lane: one channel after the other, for as long as the process lives.

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use domain::{
    LaneName,
    drill::{self, Point, Protection},
};
use futures_util::{FutureExt, StreamExt};
use lapin::{
    Channel, Consumer,
    message::Delivery,
    options::{BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions},
    types::FieldTable,
};
use tokio::{task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{Handler, acks::Acks, case::Core, effect::Verdict, executor, lived::Lived, pauses::Pauses};
use crate::{
    amqp::{Pace, Session},
    topology::ConsumedLane,
};

/// So many held back in a row mean that the lane as a whole has nothing to do.
const ALL_HELD_BACK: usize = 16;
/// The longest that a lane stops taking messages because all were held back; then it looks again.
const LONGEST_STALL: Duration = Duration::from_secs(5);
/// Pauses between tries to consume over a live connection, before the jitter. A channel that lasted as long as [`SETTLED`] is no failed try.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(700);
const SETTLED: Duration = Duration::from_secs(10);
/// How long, once the process stops, what was sent ahead may still be begun. What goes fast is through by then; of what is slow nothing more is
/// begun that the hard deadline would cut.
const BEGIN_FOR: Duration = Duration::from_secs(2);
/// How long a cancelled consumer may take to give back what it has not handled.
const RETURN_TIMEOUT: Duration = Duration::from_secs(2);
const NACK: BasicNackOptions = BasicNackOptions { multiple: false, requeue: true };

/// Why a channel was left.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// The process stops, or the lane is paused: what is in hand is to be finished.
    Asked,
    /// The channel or its connection is gone.
    Lost,
}

/// A delivery that was dealt with.
struct Finished {
    /// Which channel it came over: tags of an earlier one mean nothing.
    channel: u64,
    tag: u64,
    verdict: Verdict,
}

/// One lane's consumer.
pub(super) struct Lane<H> {
    core: Arc<Core>,
    handler: Arc<H>,
    name: LaneName,
    concurrency: usize,
    prefetch: u16,
    priority: i16,
    hard: CancellationToken,
    pauses: Pauses,
    working: Arc<AtomicBool>,
    tasks: JoinSet<Finished>,
    lived: Lived,
    channels: u64,
    held_back: usize,
    stalled_until: Option<Instant>,
}

impl<H: Handler> Lane<H> {
    /// `working` tells whether the lane consumes, or is meant not to.
    pub(super) fn new(
        core: Arc<Core>,
        handler: Arc<H>,
        lane: ConsumedLane,
        hard: CancellationToken,
        working: Arc<AtomicBool>,
    ) -> Self {
        Self {
            pauses: core.pauses.clone(),
            core,
            handler,
            name: lane.name,
            concurrency: lane.concurrency,
            prefetch: lane.prefetch,
            priority: lane.priority,
            hard,
            working,
            tasks: JoinSet::new(),
            lived: Lived::default(),
            channels: 0,
            held_back: 0,
            stalled_until: None,
        }
    }

    /// Consumes until the process is asked to stop, and what is in hand is finished or the hard deadline has come.
    pub(super) async fn run(mut self) {
        let stop = self.core.stop.clone();
        let mut pace = Pace::new(FIRST_PAUSE, LONGEST_PAUSE);
        while !stop.is_cancelled() {
            let paused = self.is_paused();
            self.core.metrics.lane_paused.set(u64::from(paused), &[("lane", self.name.as_str())]);
            if paused {
                self.working.store(true, Ordering::Relaxed);
                tokio::select! {
                    () = self.pauses.changed() => {}
                    () = stop.cancelled() => {}
                }
                self.core.waits.ended(&self.name, self.core.clock.now());
                continue;
            }
            let link = self.core.publisher.link().clone();
            let session = tokio::select! {
                session = link.connected() => session,
                () = stop.cancelled() => break,
            };
            let Ok(session) = session else { break };
            let started = Instant::now();
            if self.serve(&session).await == End::Lost {
                if started.elapsed() > SETTLED {
                    pace.reset();
                }
                // A live connection that refuses is not to be pressed. A lost one is: the link has paced itself, and then there is work.
                tokio::select! {
                    () = session.lost().cancelled() => pace.reset(),
                    () = tokio::time::sleep(pace.step()) => {}
                    () = stop.cancelled() => {}
                }
            }
        }
        self.finish_orphans().await;
    }

    fn is_paused(&self) -> bool {
        self.pauses.lane(self.core.stage, &self.name)
    }

    /// One channel: consume over it, then finish and give back what came over it.
    async fn serve(&mut self, session: &Session) -> End {
        let queue = self.core.stage.queue(&self.name);
        let Ok(channel) = session.channel().await else { return End::Lost };
        let consuming = async {
            channel.basic_qos(self.prefetch, BasicQosOptions::default()).await?;
            let mut arguments = FieldTable::default();
            arguments.insert("x-priority".into(), self.priority.into());
            let options = BasicConsumeOptions::default();
            channel.basic_consume(queue.as_str().into(), "".into(), options, arguments).await
        };
        let consuming = tokio::select! {
            consuming = consuming => consuming,
            () = session.lost().cancelled() => return End::Lost,
        };
        let mut consumer = match consuming {
            Ok(consumer) => consumer,
            Err(error) => {
                tracing::warn!(messaging.destination.name = queue, %error, "lane.refused");
                return End::Lost;
            }
        };
        self.channels += 1;
        let lost = session.lost().child_token();
        let _gone_with_the_channel = lost.clone().drop_guard();
        let mut acks = Acks::default();
        tracing::info!(messaging.destination.name = queue, "lane.consuming");
        self.working.store(true, Ordering::Relaxed);
        let mut end = self.pump(&channel, &mut consumer, &mut acks, &lost).await;
        if end == End::Asked {
            end = self.drain(&channel, &mut consumer, &mut acks, &lost).await;
        }
        // What was sent ahead and never begun comes back like the rest.
        while let Some(Some(Ok(delivery))) = consumer.next().now_or_never() {
            self.lived.take(&delivery);
        }
        self.lived.give_all_back();
        self.working.store(false, Ordering::Relaxed);
        tracing::info!(messaging.destination.name = queue, frontdesk.lost = end == End::Lost, "lane.stopped");
        end
    }

    async fn pump(
        &mut self,
        channel: &Channel,
        consumer: &mut Consumer,
        acks: &mut Acks,
        lost: &CancellationToken,
    ) -> End {
        let stop = self.core.stop.clone();
        loop {
            let stall = self.stalled_until;
            let room = stall.is_none() && self.tasks.len() < self.concurrency;
            tokio::select! {
                biased;
                () = stop.cancelled() => return End::Asked,
                () = lost.cancelled() => return End::Lost,
                () = self.pauses.changed() => if self.is_paused() { return End::Asked },
                Some(done) = self.tasks.join_next(), if !self.tasks.is_empty() => {
                    if self.settle(done.ok(), channel, acks) == End::Lost {
                        return End::Lost;
                    }
                }
                () = tokio::time::sleep_until(stall.unwrap_or_else(Instant::now)), if stall.is_some() => {
                    self.stalled_until = None;
                }
                delivery = consumer.next(), if room => match delivery {
                    Some(Ok(delivery)) => self.take(delivery, channel, acks, lost),
                    Some(Err(error)) => {
                        tracing::warn!(%error, "lane.interrupted");
                        return End::Lost;
                    }
                    None => return End::Lost,
                },
            }
        }
    }

    /// Takes a delivery in hand.
    fn take(&mut self, delivery: Delivery, over: &Channel, acks: &mut Acks, lost: &CancellationToken) {
        let (channel, tag) = (self.channels, delivery.delivery_tag);
        if drill::lacks(Protection::AckAfterCommit) {
            // Told now; what is not noted here is told nothing later.
            let _ = over.basic_ack(tag, BasicAckOptions::default()).now_or_never();
        } else {
            acks.take(tag);
        }
        let comebacks = self.lived.take(&delivery);
        let metrics = self.core.metrics.clone();
        let name = self.name.clone();
        metrics.in_flight.add(1, &[("lane", name.as_str())]);
        let work = executor::deliver(
            self.core.clone(),
            self.handler.clone(),
            self.name.clone(),
            (delivery, comebacks),
            lost.clone(),
        );
        self.tasks.spawn(async move {
            let verdict = AssertUnwindSafe(work).catch_unwind().await.unwrap_or(Verdict::LetGo);
            metrics.in_flight.add(-1, &[("lane", name.as_str())]);
            Finished { channel, tag, verdict }
        });
    }

    /// Tells the broker about everything that is finished by now.
    fn settle(&mut self, first: Option<Finished>, channel: &Channel, acks: &mut Acks) -> End {
        let mut finished: Vec<Finished> = first.into_iter().collect();
        while let Some(next) = self.tasks.try_join_next() {
            finished.extend(next.ok());
        }
        finished.retain(|one| one.channel == self.channels && acks.holds(one.tag));
        let mut told = true;
        let mut done = Vec::with_capacity(finished.len());
        for one in &finished {
            self.note(one.verdict);
            if one.verdict == Verdict::LetGo {
                acks.give_back(one.tag);
                self.lived.give_back(one.tag);
                told &= give_back(channel, one.tag);
            } else {
                self.lived.done(one.tag);
                done.push(one.tag);
            }
        }
        for ack in acks.settle(&done) {
            drill::at(Point::BeforeAck);
            // Polled once, the frame is on its way; waiting for it to be written costs a third of the throughput.
            let sent = channel.basic_ack(ack.tag, BasicAckOptions { multiple: ack.multiple }).now_or_never();
            told &= !matches!(sent, Some(Err(_)));
            drill::at(Point::AfterAck);
        }
        if told { End::Asked } else { End::Lost }
    }

    /// Stops taking messages for a while if all of them are held back.
    fn note(&mut self, verdict: Verdict) {
        let Verdict::HeldBack(time) = verdict else {
            self.held_back = 0;
            return;
        };
        self.held_back += 1;
        if self.held_back >= ALL_HELD_BACK {
            self.stalled_until = Some(Instant::now() + time.min(LONGEST_STALL));
            self.held_back = 0;
        }
    }

    /// Stops consuming, and finishes what is in hand: where the process stops, what was sent ahead, too, if there is time; else that goes back.
    async fn drain(
        &mut self,
        channel: &Channel,
        consumer: &mut Consumer,
        acks: &mut Acks,
        lost: &CancellationToken,
    ) -> End {
        let (tag, cancel) = (consumer.tag(), BasicCancelOptions::default());
        let cancelled = tokio::time::timeout(RETURN_TIMEOUT, channel.basic_cancel(tag, cancel)).await;
        // If the broker does not answer, closing the channel gives back what was sent ahead.
        let mut rest = matches!(cancelled, Ok(Ok(())));
        if rest && self.core.stop.is_cancelled() {
            match self.begin_the_rest(channel, consumer, acks, lost).await {
                Ok(left) => rest = left,
                Err(end) => return end,
            }
        }
        if rest {
            let giving_back = async {
                while let Some(Ok(delivery)) = consumer.next().await {
                    self.lived.take(&delivery);
                    give_back(channel, delivery.delivery_tag);
                }
            };
            let _ = tokio::time::timeout(RETURN_TIMEOUT, giving_back).await;
        }
        let hard = self.hard.clone();
        while !acks.is_empty() {
            tokio::select! {
                done = self.tasks.join_next() => match done {
                    Some(done) => if self.settle(done.ok(), channel, acks) == End::Lost { return End::Lost },
                    None => break,
                },
                () = lost.cancelled() => return End::Lost,
                () = hard.cancelled() => break,
            }
        }
        // Waits for the acknowledgements to be taken: they are ahead of it.
        let _ = tokio::time::timeout(RETURN_TIMEOUT, channel.close(200, "done".into())).await;
        End::Asked
    }

    /// Takes in hand what was sent ahead. Given back, it would come to other processes as what this one may have died of, and they would handle
    /// it one at a time. Says whether anything is left.
    async fn begin_the_rest(
        &mut self,
        channel: &Channel,
        consumer: &mut Consumer,
        acks: &mut Acks,
        lost: &CancellationToken,
    ) -> Result<bool, End> {
        let (hard, until) = (self.hard.clone(), Instant::now() + BEGIN_FOR);
        while !self.is_paused() {
            let room = self.tasks.len() < self.concurrency;
            tokio::select! {
                biased;
                () = hard.cancelled() => return Ok(true),
                () = lost.cancelled() => return Err(End::Lost),
                () = tokio::time::sleep_until(until) => return Ok(true),
                () = self.pauses.changed() => {}
                Some(done) = self.tasks.join_next(), if !self.tasks.is_empty() => {
                    if self.settle(done.ok(), channel, acks) == End::Lost {
                        return Err(End::Lost);
                    }
                }
                delivery = consumer.next(), if room => match delivery {
                    Some(Ok(delivery)) => self.take(delivery, channel, acks, lost),
                    // Its end is told once.
                    Some(Err(_)) | None => return Ok(false),
                },
            }
        }
        Ok(true)
    }

    /// Handlers of lost channels may still be at work; what they do is safe to repeat, but better finished than cut.
    async fn finish_orphans(&mut self) {
        let hard = self.hard.clone();
        while !self.tasks.is_empty() {
            tokio::select! {
                _ = self.tasks.join_next() => {}
                () = hard.cancelled() => return,
            }
        }
    }
}

fn give_back(channel: &Channel, tag: u64) -> bool {
    !matches!(channel.basic_nack(tag, NACK).now_or_never(), Some(Err(_)))
}
