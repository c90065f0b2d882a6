//! The gateway's own count: what it answered with 202. `docs/reconciliation.md` says what it is for.
//!
//! A submission is written to this gateway's own disk before it is answered, and brought to the database later: the door needs no database.
//! There it counts once, however often and through whichever gateway it came.

mod book;
mod writer;

use std::{io, path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use domain::{clock::Clock, reconcile::Accepted};
use jiff::Timestamp;
use uuid::Uuid;

use crate::ports::{Count, Register};
use book::Book;
use writer::{Next, Writer};

/// How often the count is told.
const EVERY: Duration = Duration::from_secs(1);
/// Submissions that one statement tells.
const AT_ONCE: usize = 1000;
/// How long a sender waits for a disk that does not answer. Its submission is with the writer by then, or in the log.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a gateway that stops tries to tell the rest.
const LAST_WORD: Duration = Duration::from_secs(3);

/// The count of one gateway.
#[derive(Clone)]
pub struct Counter {
    writer: Writer,
    gateway: Uuid,
}

impl Counter {
    /// Opens the folder in which this gateway counts, with what an earlier process of it left there.
    ///
    /// # Errors
    /// If the folder cannot be used, or another gateway uses it: then of the kind [`io::ErrorKind::ResourceBusy`].
    pub fn open(folder: &Path, clock: &dyn Clock) -> io::Result<Self> {
        let (book, gateway) = Book::open(folder, clock.fresh_id())?;
        Ok(Self { writer: Writer::start(book)?, gateway })
    }

    /// Tells the count for as long as it is polled. It may be dropped at any moment: what was not told then is told later.
    pub async fn follow(&self, register: &dyn Register, clock: &dyn Clock) {
        let mut ticks = tokio::time::interval(EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.tell(register, clock.now(), false).await;
        }
    }

    /// Tells all of it, and that there is no more. What cannot be told now is told when the gateway starts again in its folder.
    pub async fn close(&self, register: &dyn Register, clock: &dyn Clock) {
        let _ = tokio::time::timeout(LAST_WORD, self.tell(register, clock.now(), true)).await;
    }

    /// Tells what there is. What was accepted before `until` is among it.
    ///
    /// The present file is ended only when all before it is told: while the database is away, one file grows, not a file each time.
    async fn tell(&self, register: &dyn Register, until: Timestamp, last: bool) {
        let mut ended = false;
        while let Some(next) = self.writer.next().await {
            let lines = match &next {
                Next::Page(page) => &page.lines,
                Next::Unsaved(lines) => lines,
                Next::Nothing { .. } if !ended => {
                    self.writer.end().await;
                    ended = true;
                    continue;
                }
                Next::Nothing { whole } => {
                    // A count that is not whole stops here, and is missed.
                    if *whole {
                        let _ = register.counted_until(self.gateway, until, last).await;
                    }
                    return;
                }
            };
            let mut told = true;
            for some in lines.chunks(AT_ONCE) {
                told &= register.accepted(some).await.is_ok();
            }
            self.writer.done(next, told).await;
            if !told {
                return;
            }
        }
    }
}

#[async_trait]
impl Count for Counter {
    async fn accepted(&self, one: Accepted) {
        let writer = self.writer.clone();
        // A task of its own: what is late is noted all the same.
        let noted = tokio::spawn(async move { writer.note(one).await });
        if tokio::time::timeout(PATIENCE, noted).await.is_err() {
            tracing::error!(error = "the disk does not answer", "gateway.count_not_saved");
        }
    }
}

/// How a gateway counts.
pub(crate) enum Counting {
    /// As it is meant to.
    Counts(Counter),
    /// Its folder cannot be used. It is told to the database under this name, once, and is missed from then on.
    Missed(Uuid),
    /// It is not meant to: no folder is configured for it, or no database that it could be told to.
    Not,
}

impl Counting {
    /// What the door counts with.
    pub(crate) fn count(&self) -> Arc<dyn Count> {
        match self {
            Self::Counts(counter) => Arc::new(counter.clone()),
            Self::Missed(_) | Self::Not => Arc::new(NoCount),
        }
    }

    /// Tells the count, or that there is none. Does not end.
    pub(crate) async fn follow(&self, register: Option<&impl Register>, clock: &dyn Clock) {
        match (self, register) {
            (Self::Counts(counter), Some(register)) => counter.follow(register, clock).await,
            (Self::Missed(name), Some(register)) => {
                while register.counted_until(*name, clock.now(), false).await.is_err() {
                    tokio::time::sleep(EVERY).await;
                }
            }
            _ => {}
        }
        std::future::pending::<()>().await;
    }

    /// Tells the rest.
    pub(crate) async fn close(&self, register: Option<&impl Register>, clock: &dyn Clock) {
        if let (Self::Counts(counter), Some(register)) = (self, register) {
            counter.close(register, clock).await;
        }
    }
}

/// Counts nothing.
pub struct NoCount;

#[async_trait]
impl Count for NoCount {
    async fn accepted(&self, _: Accepted) {}
}

#[cfg(test)]
mod tests {
    use std::{
        path::Path,
        sync::{
            Mutex,
            atomic::{AtomicBool, Ordering},
        },
    };

    use async_trait::async_trait;
    use domain::{
        clock::{Clock as _, SystemClock},
        ports::StoreDown,
        reconcile::Accepted,
    };
    use jiff::Timestamp;
    use uuid::Uuid;

    use super::{Count as _, Counter, Counting, Register};

    #[derive(Default)]
    struct Told {
        down: AtomicBool,
        names: Mutex<Vec<String>>,
        until: Mutex<Option<(Uuid, bool)>>,
    }

    impl Told {
        fn answers(&self) -> Result<(), StoreDown> {
            if self.down.load(Ordering::Relaxed) { Err(StoreDown) } else { Ok(()) }
        }

        fn names(&self) -> Vec<String> {
            self.names.lock().unwrap().clone()
        }
    }

    #[async_trait]
    impl Register for Told {
        async fn accepted(&self, some: &[Accepted]) -> Result<(), StoreDown> {
            self.answers()?;
            self.names.lock().unwrap().extend(some.iter().map(|one| one.submission.to_string()));
            Ok(())
        }

        async fn counted_until(&self, gateway: Uuid, _: Timestamp, closed: bool) -> Result<(), StoreDown> {
            self.answers()?;
            *self.until.lock().unwrap() = Some((gateway, closed));
            Ok(())
        }
    }

    async fn count(counter: &Counter, id: &str) {
        let one = Accepted {
            submission: id.parse().unwrap(),
            clinic: "clinic-01".parse().unwrap(),
            source: "web_form".parse().unwrap(),
            received_at: SystemClock.now(),
        };
        counter.accepted(one).await;
    }

    fn open(folder: &Path) -> Counter {
        Counter::open(folder, &SystemClock).unwrap()
    }

    /// Files with lines in the folder.
    fn files(folder: &Path) -> usize {
        let is_page =
            |entry: &std::fs::DirEntry| entry.path().extension().is_some_and(|kind| kind == "accepted");
        std::fs::read_dir(folder).unwrap().filter(|entry| is_page(entry.as_ref().unwrap())).count()
    }

    async fn tell(counter: &Counter, told: &Told) {
        counter.tell(told, SystemClock.now(), false).await;
    }

    #[tokio::test]
    async fn what_is_counted_is_told_once_the_database_answers() {
        let (folder, told) = (tempfile::tempdir().unwrap(), Told::default());
        let counter = open(folder.path());
        told.down.store(true, Ordering::Relaxed);
        count(&counter, "s-1").await;
        tell(&counter, &told).await;
        count(&counter, "s-2").await;
        tell(&counter, &told).await;
        count(&counter, "s-3").await;
        tell(&counter, &told).await;
        assert_eq!((told.names(), *told.until.lock().unwrap()), (vec![], None));
        assert_eq!(files(folder.path()), 2, "the one that could not be told, and the one that grows");
        told.down.store(false, Ordering::Relaxed);
        tell(&counter, &told).await;
        assert_eq!(told.names(), ["s-1", "s-2", "s-3"]);
        assert_eq!(*told.until.lock().unwrap(), Some((counter.gateway, false)));
        tell(&counter, &told).await;
        assert_eq!(told.names().len(), 3, "told once");
        assert_eq!(files(folder.path()), 0);
        count(&counter, "s-4").await;
        counter.close(&told, &SystemClock).await;
        assert_eq!(told.names(), ["s-1", "s-2", "s-3", "s-4"]);
        assert_eq!(*told.until.lock().unwrap(), Some((counter.gateway, true)));
    }

    #[tokio::test]
    async fn what_the_disk_does_not_take_is_told_from_memory() {
        let (folder, told) = (tempfile::tempdir().unwrap(), Told::default());
        let counter = open(folder.path());
        // No file can be made there any more.
        std::fs::remove_dir_all(folder.path()).unwrap();
        told.down.store(true, Ordering::Relaxed);
        count(&counter, "s-1").await;
        tell(&counter, &told).await;
        told.down.store(false, Ordering::Relaxed);
        count(&counter, "s-2").await;
        tell(&counter, &told).await;
        assert_eq!(told.names(), ["s-1", "s-2"]);
        assert_eq!(
            *told.until.lock().unwrap(),
            None,
            "what lies in a folder that nobody can read is not told"
        );
    }

    #[tokio::test]
    async fn one_without_a_folder_says_so_as_soon_as_the_database_answers() {
        let (told, name) = (Told::default(), SystemClock.fresh_id());
        told.down.store(true, Ordering::Relaxed);
        let counting = Counting::Missed(name);
        let said = async {
            told.down.store(false, Ordering::Relaxed);
            while told.until.lock().unwrap().is_none() {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            () = counting.follow(Some(&told), &SystemClock) => {}
            () = said => {}
        }
        counting.close(Some(&told), &SystemClock).await;
        assert_eq!(*told.until.lock().unwrap(), Some((name, false)), "it never says that there is no more");
    }

    #[tokio::test]
    async fn a_damaged_count_stops() {
        let (folder, told) = (tempfile::tempdir().unwrap(), Told::default());
        std::fs::write(folder.path().join("000000000001.accepted"), "not a line\n").unwrap();
        let counter = open(folder.path());
        count(&counter, "s-1").await;
        tell(&counter, &told).await;
        assert_eq!((told.names(), *told.until.lock().unwrap()), (vec!["s-1".to_owned()], None));
        std::fs::remove_file(folder.path().join("000000000001.damaged")).unwrap();
        tell(&counter, &told).await;
        assert!(told.until.lock().unwrap().is_some(), "somebody has seen to it");
    }
}
