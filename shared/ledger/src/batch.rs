//! Group commit: many callers, one transaction.
//!
//! One task per kind of work takes what has come (waiting a little for more), commits it as one batch, and only then
//! answers. While a batch is being committed the next one gathers, so that load makes batches larger, not queues longer.

use std::{future::Future, time::Duration};

use domain::ports::StoreDown;
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, timeout_at},
};

use crate::{failure::Failure, spans};

/// How large a batch gets, and how long its first item waits for others.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) batch: usize,
    pub(crate) wait: Duration,
}

/// One kind of work, done for many items at once.
pub(crate) trait Work: Send + Sync + 'static {
    type Item: Send + Sync + 'static;
    type Reply: Send + 'static;
    /// What it does, on spans.
    const NAME: &'static str;

    /// Commits all items or none. Replies are in the items' order.
    fn commit(&self, items: &[Self::Item]) -> impl Future<Output = Result<Vec<Self::Reply>, Failure>> + Send;
}

type Job<W> = (<W as Work>::Item, oneshot::Sender<Result<<W as Work>::Reply, StoreDown>>);

/// The callers' end. Dropping the last one ends the task.
pub(crate) struct Batcher<W: Work>(mpsc::Sender<Job<W>>);

impl<W: Work> Clone for Batcher<W> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<W: Work> Batcher<W> {
    pub(crate) fn spawn(limits: Limits, work: W) -> Self {
        let (sender, receiver) = mpsc::channel(limits.batch * 4);
        tokio::spawn(run(limits, work, receiver));
        Self(sender)
    }

    /// Resolves after the commit of the batch that the item went into.
    pub(crate) async fn submit(&self, item: W::Item) -> Result<W::Reply, StoreDown> {
        self.submit_as(W::NAME, item).await
    }

    /// The same, with a name of its own on the span.
    pub(crate) async fn submit_as(&self, name: &str, item: W::Item) -> Result<W::Reply, StoreDown> {
        let (reply, answer) = oneshot::channel();
        let committed = async {
            self.0.send((item, reply)).await.map_err(|_| StoreDown)?;
            answer.await.map_err(|_| StoreDown)?
        };
        spans::within(name, committed).await
    }
}

async fn run<W: Work>(limits: Limits, work: W, mut jobs: mpsc::Receiver<Job<W>>) {
    while let Some(first) = jobs.recv().await {
        let (items, replies): (Vec<_>, Vec<_>) = gather(limits, first, &mut jobs).await.into_iter().unzip();
        let answers = commit(&work, &items).await;
        for (reply, answer) in replies.into_iter().zip(answers) {
            // A caller that went away has nothing to learn.
            let _ = reply.send(answer);
        }
    }
}

async fn gather<J>(limits: Limits, first: J, jobs: &mut mpsc::Receiver<J>) -> Vec<J> {
    let mut batch = vec![first];
    let deadline = Instant::now() + limits.wait;
    while batch.len() < limits.batch {
        match timeout_at(deadline, jobs.recv()).await {
            Ok(Some(job)) => batch.push(job),
            Ok(None) | Err(_) => break,
        }
    }
    batch
}

/// All together; one by one if a single item's value is what the database refuses, so that it fails alone.
async fn commit<W: Work>(work: &W, items: &[W::Item]) -> Vec<Result<W::Reply, StoreDown>> {
    match attempt(work, items).await {
        Ok(replies) => replies.into_iter().map(Ok).collect(),
        Err(Failure::Data) if items.len() > 1 => {
            let mut answers = Vec::with_capacity(items.len());
            for item in items.chunks(1) {
                let alone = attempt(work, item).await;
                answers.push(alone.map_err(|_| StoreDown).and_then(|mut one| one.pop().ok_or(StoreDown)));
            }
            answers
        }
        Err(_) => items.iter().map(|_| Err(StoreDown)).collect(),
    }
}

/// Once more where the transaction was provably rolled back because of another one.
async fn attempt<W: Work>(work: &W, items: &[W::Item]) -> Result<Vec<W::Reply>, Failure> {
    const TRIES: usize = 5;
    let mut tried = 1;
    loop {
        match work.commit(items).await {
            Err(Failure::Contended) if tried < TRIES => tried += 1,
            other => return other,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::{Batcher, Duration, Failure, Limits, StoreDown, Work};

    /// Doubles numbers; refuses 13; is contended as often as it is told.
    #[derive(Clone, Default)]
    struct Doubling {
        sizes: Arc<Mutex<Vec<usize>>>,
        contended: Arc<Mutex<usize>>,
    }

    impl Work for Doubling {
        type Item = u32;
        type Reply = u32;
        const NAME: &'static str = "double";

        async fn commit(&self, items: &[u32]) -> Result<Vec<u32>, Failure> {
            let mut contended = self.contended.lock().unwrap();
            if *contended > 0 {
                *contended -= 1;
                return Err(Failure::Contended);
            }
            self.sizes.lock().unwrap().push(items.len());
            if items.contains(&13) {
                return Err(Failure::Data);
            }
            Ok(items.iter().map(|n| n * 2).collect())
        }
    }

    const LIMITS: Limits = Limits { batch: 4, wait: Duration::from_millis(20) };

    async fn all(batcher: &Batcher<Doubling>, numbers: &[u32]) -> Vec<Result<u32, StoreDown>> {
        let tasks: Vec<_> = numbers
            .iter()
            .map(|n| {
                let (batcher, n) = (batcher.clone(), *n);
                tokio::spawn(async move { batcher.submit(n).await })
            })
            .collect();
        let mut out = Vec::new();
        for task in tasks {
            out.push(task.await.unwrap());
        }
        out
    }

    #[tokio::test]
    async fn batches_fill_and_each_caller_gets_its_own_answer() {
        let work = Doubling::default();
        let batcher = Batcher::spawn(LIMITS, work.clone());
        assert_eq!(all(&batcher, &[1, 2, 3, 4, 5]).await, [Ok(2), Ok(4), Ok(6), Ok(8), Ok(10)]);
        assert_eq!(*work.sizes.lock().unwrap(), [4, 1]);
    }

    #[tokio::test]
    async fn a_refused_value_fails_alone() {
        let batcher = Batcher::spawn(LIMITS, Doubling::default());
        assert_eq!(all(&batcher, &[1, 13, 3]).await, [Ok(2), Err(StoreDown), Ok(6)]);
    }

    #[tokio::test]
    async fn contention_is_tried_again_but_not_forever() {
        let work = Doubling::default();
        *work.contended.lock().unwrap() = 2;
        let batcher = Batcher::spawn(LIMITS, work.clone());
        assert_eq!(all(&batcher, &[7]).await, [Ok(14)]);
        *work.contended.lock().unwrap() = 50;
        assert_eq!(all(&batcher, &[7]).await, [Err(StoreDown)]);
    }
}
