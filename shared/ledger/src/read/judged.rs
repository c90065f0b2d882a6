//! What the journal says of the first stage alone: the way in, where repeats end that no submission stands for.

use domain::ports::StoreDown;

use crate::Store;

/// Messages by what validation made of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Judged {
    /// Different messages of which it said what becomes of them.
    pub messages: u64,
    /// Those among them that repeat a submission which is known.
    pub repeats: u64,
}

/// The message that a submission's row stands for is the first that brought it; any other that did not die repeats one.
const JUDGED: &str = "SELECT count(DISTINCT j.message_id) AS messages,
        count(DISTINCT j.message_id) FILTER (WHERE s.message_id IS NULL AND j.event <> 'died') AS repeats
    FROM journal j LEFT JOIN submission s ON s.message_id = j.message_id
    WHERE j.stage = 'validation' AND j.event IN ('emitted', 'settled', 'held', 'died')";

impl Store {
    /// Counts the messages that validation has judged.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn judged(&self) -> Result<Judged, StoreDown> {
        let rows = self.db.rows(JUDGED, &[]).await?;
        let row = rows.first().ok_or(StoreDown)?;
        let number = |column: &str| {
            let count: i64 = row.try_get(column).map_err(|_| StoreDown)?;
            u64::try_from(count).map_err(|_| StoreDown)
        };
        Ok(Judged { messages: number("messages")?, repeats: number("repeats")? })
    }
}
