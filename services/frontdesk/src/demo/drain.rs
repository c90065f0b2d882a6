//! Waiting until the line is empty.

use std::time::{Duration, Instant};

use anyhow::bail;
use ledger::Store;

use crate::{
    ops::{Ops, Status},
    output::Doing,
};

/// Looks are this far apart.
const PAUSE: Duration = Duration::from_millis(500);
/// How long nothing may move before it counts as stuck. Longer than any single retry of the demo.
const STUCK: Duration = Duration::from_secs(150);
/// The broker counts its queues every five seconds: an empty line must look empty for longer.
const QUIET: Duration = Duration::from_secs(6);

/// Waits until the queues are empty, nothing is in flight, and the first stage has judged `messages` of them.
///
/// # Errors
/// If the line does not move any more, or is not empty at the deadline.
pub async fn drain(
    (ops, store): (&Ops, &Store),
    messages: u64,
    deadline: Duration,
    doing: &Doing,
) -> anyhow::Result<()> {
    let begin = Instant::now();
    let (mut moved, mut before, mut quiet) = (Instant::now(), None, None);
    loop {
        let now = Standing::of(ops, store).await?;
        doing.goes(now.describe(messages));
        if now.is_empty(messages) {
            if quiet.get_or_insert_with(Instant::now).elapsed() >= QUIET {
                return Ok(());
            }
        } else {
            quiet = None;
        }
        if before.as_ref() != Some(&now) {
            (moved, before) = (Instant::now(), Some(now.clone()));
        }
        if moved.elapsed() > STUCK || begin.elapsed() > deadline {
            bail!("the line does not empty: {}", now.describe(messages));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Standing {
    judged: u64,
    in_flight: u64,
    settled: u64,
    waiting: u64,
}

impl Standing {
    async fn of(ops: &Ops, store: &Store) -> anyhow::Result<Self> {
        let (judged, status) = (store.judged().await?.messages, ops.status().await?);
        let sum = |flying: bool| {
            let states = status.states.iter().filter(|one| (one.state == "in_flight") == flying);
            states.map(|one| one.count).sum()
        };
        Ok(Self { judged, in_flight: sum(true), settled: sum(false), waiting: waiting(&status) })
    }

    const fn is_empty(&self, messages: u64) -> bool {
        self.judged >= messages && self.in_flight == 0 && self.waiting == 0
    }

    fn describe(&self, messages: u64) -> String {
        let Self { judged, in_flight, settled, waiting } = self;
        format!(
            "{judged} of {messages} taken in, {in_flight} in flight, {settled} settled, {waiting} in queues"
        )
    }
}

/// Messages that are still to be worked on: the dead letters too, until they are collected.
fn waiting(status: &Status) -> u64 {
    status.queues.iter().flatten().map(|queue| queue.ready + queue.unacknowledged).sum()
}
