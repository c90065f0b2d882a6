//! Everything that is written, by where it is written.

mod broker;
mod control;
mod database;
mod files;
mod outside;
mod processes;
mod traces;

use std::{
    fmt, io,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

pub use broker::Tap;
pub use control::{Control, plant};
pub use database::{refused, said};
pub use processes::Watch;
pub use traces::{Receiver, exported};

use super::{
    search::{Hit, Search},
    world::World,
};

/// A kind of place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sink {
    /// Standard output and error of every process, the broker's and the database's server among them.
    Output,
    /// What is exported over OTLP.
    Traces,
    /// Every metrics endpoint.
    Metrics,
    /// Every message at every publish and delivery: headers, properties, body.
    Messages,
    /// The broker's data folder.
    BrokerDisk,
    /// The database's contents.
    Dump,
    /// The database's data folder: tables, indexes, the write-ahead log.
    DatabaseDisk,
    /// Everything else in the run's folder.
    Files,
    /// Answers over HTTP, problem documents among them, and what commands print.
    Answers,
    /// Arguments and environments of processes.
    Processes,
}

impl Sink {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Output,
        Self::Traces,
        Self::Metrics,
        Self::Messages,
        Self::BrokerDisk,
        Self::Dump,
        Self::DatabaseDisk,
        Self::Files,
        Self::Answers,
        Self::Processes,
    ];
}

impl fmt::Display for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Output => "output of processes, server logs",
            Self::Traces => "OTLP exports",
            Self::Metrics => "metrics",
            Self::Messages => "messages, tapped at the broker",
            Self::BrokerDisk => "the broker's data folder",
            Self::Dump => "the database, dumped",
            Self::DatabaseDisk => "the database's data folder, WAL",
            Self::Files => "files in the run's folder",
            Self::Answers => "HTTP answers, commands' output",
            Self::Processes => "arguments and environments",
        })
    }
}

/// One thing that was written.
pub struct Written {
    /// Where.
    pub sink: Sink,
    /// Which.
    pub place: String,
    /// Its content.
    pub what: What,
    /// Whether it may hold what a scenario itself published in clear.
    pub clear: bool,
}

/// The content of something that was written.
pub enum What {
    /// It was kept.
    Bytes(Vec<u8>),
    /// It lies there.
    File(PathBuf),
}

impl Written {
    fn bytes(sink: Sink, place: impl Into<String>, bytes: Vec<u8>) -> Self {
        Self { sink, place: place.into(), what: What::Bytes(bytes), clear: false }
    }

    fn file(sink: Sink, path: PathBuf) -> Self {
        Self { sink, place: path.display().to_string(), what: What::File(path), clear: false }
    }

    fn clear(self, clear: bool) -> Self {
        Self { clear, ..self }
    }

    /// Bytes that it has.
    pub fn size(&self) -> u64 {
        match &self.what {
            What::Bytes(bytes) => bytes.len() as u64,
            What::File(path) => path.metadata().map_or(0, |meta| meta.len()),
        }
    }

    /// What is found in it.
    ///
    /// # Errors
    /// If it cannot be read. A file that is gone holds nothing.
    pub fn search(&self, search: &Search) -> io::Result<Vec<Hit>> {
        let found = match &self.what {
            What::Bytes(bytes) => search.bytes(bytes),
            What::File(path) => search.file(path),
        };
        match found {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            found => Ok(found?.into_iter().collect()),
        }
    }
}

/// What HTTP and commands answered, kept.
#[derive(Default)]
pub struct Answers(Mutex<Vec<(String, Vec<u8>)>>);

impl Answers {
    /// One more.
    pub fn keep(&self, label: &str, bytes: Vec<u8>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((label.to_owned(), bytes));
    }

    fn written(&self, sink: Sink) -> Vec<Written> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().map(|(label, bytes)| Written::bytes(sink, label, bytes.clone())).collect()
    }
}

/// What listens while the line runs.
pub struct Ears {
    /// On the broker.
    pub tap: Tap,
    /// For OTLP.
    pub receiver: Receiver,
    /// On the processes.
    pub watch: Watch,
    /// Metrics endpoints beside the line's own.
    pub metrics: Vec<String>,
}

/// Everything that was written until now.
///
/// # Errors
/// If something cannot be looked at.
pub async fn gather(world: &World<'_>, ears: &Ears) -> anyhow::Result<Vec<Written>> {
    let mut all = world.answers.written(Sink::Answers);
    all.extend(world.scraped.written(Sink::Metrics));
    all.extend(ears.receiver.written());
    all.extend(ears.watch.written());
    all.extend(ears.tap.written().await?);
    all.extend(outside::metrics(world, &ears.metrics).await?);
    let (folder, database) = database::written(world).await?;
    all.extend(database);
    let files = files::written(world.layout, world.stack.broker_data())?;
    // Looked at already, wherever it lies.
    all.extend(
        files.into_iter().filter(|file| !matches!(&file.what, What::File(path) if path.starts_with(&folder))),
    );
    Ok(all)
}

/// What was written up to the end of all processes: their last lines and exports, and all files, those of the servers too.
///
/// # Errors
/// If something cannot be looked at.
pub fn last_words(world: &World<'_>, ears: &Ears) -> anyhow::Result<Vec<Written>> {
    let mut all = ears.receiver.written();
    all.extend(files::written(world.layout, world.stack.broker_data())?);
    Ok(all)
}
