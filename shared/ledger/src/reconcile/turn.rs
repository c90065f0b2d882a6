//! One of several processes does it.

use deadpool_postgres::Object;
use domain::ports::StoreDown;

use crate::{Store, failure::Failure};

/// The database's name for the lock of the daily run.
const LOCK: i64 = 7_310_577_102;

/// The right to do the daily run, as long as this lives, or until the connection goes.
pub struct Turn(Option<Object>);

impl Drop for Turn {
    fn drop(&mut self) {
        // The lock is the session's, and ends with it: the connection is not given back to the pool.
        if let Some(connection) = self.0.take() {
            drop(Object::take(connection));
        }
    }
}

impl Store {
    /// Takes the turn; `None`: another process has it.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn take_turn(&self) -> Result<Option<Turn>, StoreDown> {
        let connection = self.db.open().await.map_err(|_| StoreDown)?;
        // Ours to end from here on, however the question ends.
        let turn = Turn(Some(connection));
        let Some(connection) = &turn.0 else { return Err(StoreDown) };
        let ask = async {
            let row = connection.query_one("SELECT pg_try_advisory_lock($1) AS taken", &[&LOCK]).await?;
            Ok::<bool, Failure>(row.try_get("taken")?)
        };
        let taken = self.db.within(ask).await.map_err(|_| StoreDown)?;
        Ok(taken.then_some(turn))
    }
}
