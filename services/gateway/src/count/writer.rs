//! The one thread that touches the disk: many submissions share one write.

use std::{io, thread};

use domain::reconcile::Accepted;
use tokio::sync::{mpsc, oneshot};

use super::book::{Book, Page};

/// Submissions that share a write at most.
const TOGETHER: usize = 1024;
/// Submissions that wait for the writer at most; whoever comes then waits, too.
const WAITING: usize = 4096;
/// Submissions that are kept in memory at most while the disk does not take them.
const UNSAVED: usize = 100_000;

/// What the writer is asked for.
enum Ask {
    /// To note a submission. Answered when it is noted.
    Note(Accepted, oneshot::Sender<()>),
    /// To let nothing more come to what is to be told.
    End,
    /// For what is to be told next.
    Next(oneshot::Sender<Next>),
    /// What was given is told, or could not be.
    Done(Next, bool),
}

/// What is to be told next.
pub(super) enum Next {
    /// A file.
    Page(Page),
    /// What the disk did not take.
    Unsaved(Vec<Accepted>),
    /// Nothing is left. Whether nothing is missing either.
    Nothing { whole: bool },
}

/// The way to the writer.
#[derive(Clone)]
pub(super) struct Writer(mpsc::Sender<Ask>);

impl Writer {
    /// Starts the thread. It ends with the last way to it.
    ///
    /// # Errors
    /// If there can be no thread.
    pub(super) fn start(book: Book) -> io::Result<Self> {
        let (asks, received) = mpsc::channel(WAITING);
        let desk = Desk { book, unsaved: Vec::new(), due: 0, whole: true };
        thread::Builder::new().name("count".to_owned()).spawn(move || desk.run(received))?;
        Ok(Self(asks))
    }

    /// Notes a submission: on the disk, or, if that does not take it, in memory.
    pub(super) async fn note(&self, one: Accepted) {
        let (noted, answer) = oneshot::channel();
        if self.0.send(Ask::Note(one, noted)).await.is_ok() {
            let _ = answer.await;
        }
    }

    /// What is noted from now on is not given by [`Writer::next`] before this is asked again: so telling comes to an end.
    pub(super) async fn end(&self) {
        let _ = self.0.send(Ask::End).await;
    }

    /// What is to be told next: the same, until it is done. `None`: there is no writer any more.
    pub(super) async fn next(&self) -> Option<Next> {
        let (next, answer) = oneshot::channel();
        self.0.send(Ask::Next(next)).await.ok()?;
        answer.await.ok()
    }

    /// It is told, or could not be and is to be told again.
    pub(super) async fn done(&self, next: Next, told: bool) {
        let _ = self.0.send(Ask::Done(next, told)).await;
    }
}

struct Desk {
    book: Book,
    unsaved: Vec<Accepted>,
    /// So many of these, the first ones, are to be told.
    due: usize,
    /// Whether all that was accepted is on the disk, in memory, or told.
    whole: bool,
}

impl Desk {
    fn run(mut self, mut asks: mpsc::Receiver<Ask>) {
        while let Some(first) = asks.blocking_recv() {
            let (mut notes, mut noted) = (Vec::new(), Vec::new());
            let mut next = Some(first);
            while let Some(Ask::Note(one, answer)) = next {
                notes.push(one);
                noted.push(answer);
                next = if notes.len() < TOGETHER { asks.try_recv().ok() } else { None };
            }
            self.note(notes);
            for answer in noted {
                let _ = answer.send(());
            }
            match next {
                Some(Ask::End) => {
                    self.book.end();
                    self.due = self.unsaved.len();
                }
                Some(Ask::Next(answer)) => {
                    let next = self.next();
                    let _ = answer.send(next);
                }
                Some(Ask::Done(next, told)) => self.done(next, told),
                Some(Ask::Note(..)) | None => {}
            }
        }
    }

    fn note(&mut self, notes: Vec<Accepted>) {
        if notes.is_empty() {
            return;
        }
        let mut lines = Vec::new();
        for one in &notes {
            if serde_json::to_writer(&mut lines, one).is_err() {
                self.whole = false;
            }
            lines.push(b'\n');
        }
        if let Err(error) = self.book.add(&lines) {
            tracing::error!(%error, "gateway.count_not_saved");
            self.keep(notes);
        }
    }

    /// The door stays open: who is answered now is told from memory. That is marked first, so that a crash before it is told shows as a count
    /// that stops.
    fn keep(&mut self, notes: Vec<Accepted>) {
        if self.unsaved.is_empty() {
            self.mark(true);
        }
        self.whole &= self.unsaved.len() + notes.len() <= UNSAVED;
        let room = UNSAVED.saturating_sub(self.unsaved.len());
        self.unsaved.extend(notes.into_iter().take(room));
    }

    fn mark(&self, in_memory: bool) {
        if let Err(error) = self.book.mark(in_memory) {
            tracing::error!(%error, "gateway.count_not_marked");
        }
    }

    fn next(&mut self) -> Next {
        if self.due > 0 {
            return Next::Unsaved(self.unsaved.iter().take(self.due).cloned().collect());
        }
        match self.book.oldest() {
            Ok(Some(page)) => Next::Page(page),
            Ok(None) => Next::Nothing { whole: self.whole && self.book.is_whole().unwrap_or(false) },
            Err(error) => {
                tracing::error!(%error, "gateway.count_unreadable");
                Next::Nothing { whole: false }
            }
        }
    }

    fn done(&mut self, next: Next, told: bool) {
        match next {
            Next::Unsaved(_) if told => {
                self.unsaved.drain(..self.due);
                self.due = 0;
                // What had no room is never told: the mark stays, for the next process to miss it.
                if self.unsaved.is_empty() && self.whole {
                    self.mark(false);
                }
            }
            Next::Page(page) if told => {
                if page.damaged > 0 {
                    tracing::error!(frontdesk.lines = page.damaged, "gateway.count_damaged");
                }
                if let Err(error) = self.book.told(&page) {
                    tracing::error!(%error, "gateway.count_unreadable");
                    self.whole = false;
                }
            }
            Next::Unsaved(_) | Next::Page(_) | Next::Nothing { .. } => {}
        }
    }
}
