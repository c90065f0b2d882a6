//! The handle that services hold: a pool and one committing task for each kind of work.

use std::{sync::Arc, time::Duration};

use deadpool_postgres::{Object, Pool};
use domain::{clock::Clock, ports::StoreDown};
use tokio::time::timeout;
use tokio_postgres::{Row, types::ToSql};

use crate::{
    Config, ConfigError,
    admit::Admitting,
    batch::{Batcher, Limits},
    connect,
    effects::Deciding,
    eligibility::{Cached, Caching},
    failure::Failure,
    hops::Logging,
    letters::Keeping,
    notifications::{Notified, Notifying},
    spans,
};

/// Postgres, as the line's services use it. Cheap to clone; every clone shares the pool and the group commit.
#[derive(Clone)]
pub struct Store {
    pub(crate) db: Database,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) actors: Arc<Actors>,
}

pub(crate) struct Actors {
    pub(crate) hops: Batcher<Logging>,
    pub(crate) admit: Batcher<Admitting>,
    pub(crate) effects: Batcher<Deciding>,
    pub(crate) begin_send: Batcher<Notifying>,
    pub(crate) settle_send: Batcher<Notified>,
    pub(crate) cached: Batcher<Cached>,
    pub(crate) cache: Batcher<Caching>,
    pub(crate) letters: Batcher<Keeping>,
}

impl Store {
    /// Prepares the store. Opens no connection yet: a database that is down at start is not fatal, and
    /// [`ready`](domain::ports::HopLog::ready) says when it answers. To be called within a Tokio runtime.
    ///
    /// # Errors
    /// [`ConfigError`] if the configuration is wrong.
    pub async fn connect(config: &Config, clock: Arc<dyn Clock>) -> Result<Self, ConfigError> {
        config.check()?;
        let db = Database { pool: connect::pool(config)?, patience: config.patience() };
        let limits = Limits { batch: config.batch, wait: Duration::from_millis(config.batch_wait_ms) };
        let at_once = Limits { wait: Duration::ZERO, ..limits };
        let work = Worker { db: db.clone(), clock: clock.clone() };
        let actors = Actors {
            hops: Batcher::spawn(limits, Logging(work.clone())),
            admit: Batcher::spawn(limits, Admitting { worker: work.clone(), candidates: config.candidates }),
            effects: Batcher::spawn(limits, Deciding(work.clone())),
            begin_send: Batcher::spawn(limits, Notifying(work.clone())),
            settle_send: Batcher::spawn(limits, Notified(work.clone())),
            cached: Batcher::spawn(limits, Cached(work.clone())),
            cache: Batcher::spawn(limits, Caching(work.clone())),
            letters: Batcher::spawn(at_once, Keeping(work)),
        };
        Ok(Self { db, clock, actors: Arc::new(actors) })
    }
}

/// What every committing task needs.
#[derive(Clone)]
pub(crate) struct Worker {
    pub(crate) db: Database,
    pub(crate) clock: Arc<dyn Clock>,
}

/// The pool, with a limit on how long anything takes.
#[derive(Clone)]
pub(crate) struct Database {
    pool: Pool,
    patience: Duration,
}

impl Database {
    /// A live connection.
    pub(crate) async fn open(&self) -> Result<Object, Failure> {
        Ok(self.pool.get().await?)
    }

    /// Gives the connection back to the pool; one on which the work failed or did not end is closed instead.
    pub(crate) fn close<T>(&self, connection: Object, done: Result<T, Failure>) -> Result<T, Failure> {
        if matches!(done, Err(Failure::Down)) {
            drop(Object::take(connection));
        }
        done
    }

    /// The work's result, or [`Failure::Down`] if it takes too long.
    pub(crate) async fn within<T>(
        &self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        timeout(self.patience, work).await.unwrap_or_else(|_| {
            tracing::warn!("store.too_late");
            // Whatever silenced this connection has most likely silenced those that are idle: rather new ones than one wait for each.
            self.pool.retain(|_, _| false);
            Err(Failure::Down)
        })
    }

    /// Rows of one statement.
    pub(crate) async fn rows(
        &self,
        sql: &str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, StoreDown> {
        let asked = async {
            let connection = self.open().await.map_err(|_| StoreDown)?;
            let ask = async {
                let statement = connection.prepare_cached(sql).await?;
                Ok(connection.query(&statement, values).await?)
            };
            let done = self.within(ask).await;
            self.close(connection, done).map_err(|_| StoreDown)
        };
        spans::within(&spans::summary(sql), asked).await
    }

    pub(crate) async fn answers(&self) -> bool {
        matches!(timeout(Duration::from_secs(2), self.rows("SELECT 1", &[])).await, Ok(Ok(_)))
    }
}
