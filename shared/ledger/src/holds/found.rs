//! What a stage that holds wants a person to see. Each time anew: what was found before is replaced.

use deadpool_postgres::Transaction;
use domain::{
    AdmissionId, Stage,
    hold::{Candidate, Offer},
    ports::StoreDown,
};
use jiff::Timestamp;

use crate::{Store, columns::columns, failure::Failure};

/// Most that a person is shown.
const MOST: usize = 20;

impl Store {
    /// Notes who the person of an admission may be. Safe to repeat.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn note_candidates(
        &self,
        admission: AdmissionId,
        stage: Stage,
        found: &[Candidate],
    ) -> Result<(), StoreDown> {
        let now = self.clock.now();
        let mut connection = self.db.open().await.map_err(|_| StoreDown)?;
        let note = async {
            let transaction = connection.transaction().await?;
            candidates(&transaction, admission, stage, found, now).await?;
            Ok(transaction.commit().await?)
        };
        let done = self.db.within(note).await;
        self.db.close(connection, done).map_err(|_| StoreDown)
    }

    /// Notes the slots that an admission's visit could be moved to. Safe to repeat.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn note_slots(&self, admission: AdmissionId, free: &[Offer]) -> Result<(), StoreDown> {
        const GONE: &str = "DELETE FROM hold_slot WHERE admission_id = $1";
        const FOUND: &str = "INSERT INTO hold_slot (admission_id, slot_id, starts, minutes, found_at)
            SELECT $1::uuid, u.*, $5::timestamptz FROM unnest($2::text[], $3::timestamptz[], $4::int[]) AS u
            ON CONFLICT DO NOTHING";
        let (id, now) = (admission.as_uuid(), self.clock.now());
        let free = &free[..free.len().min(MOST)];
        let mut connection = self.db.open().await.map_err(|_| StoreDown)?;
        let note = async {
            let transaction = connection.transaction().await?;
            transaction.execute(GONE, &[&id]).await?;
            let columns = columns![free;
                |slot| slot.id.as_str(),
                |slot| crate::range::storable(slot.start),
                |slot| i32::from(slot.minutes),
            ];
            transaction.execute(FOUND, &[&id, columns[0], columns[1], columns[2], &now]).await?;
            Ok(transaction.commit().await?)
        };
        let done = self.db.within(note).await;
        self.db.close(connection, done).map_err(|_| StoreDown)
    }
}

/// Notes who a person may be.
pub(crate) async fn candidates(
    transaction: &Transaction<'_>,
    admission: AdmissionId,
    stage: Stage,
    found: &[Candidate],
    now: Timestamp,
) -> Result<(), Failure> {
    const GONE: &str = "DELETE FROM hold_candidate WHERE admission_id = $1 AND stage = $2";
    // `unnest` flattens arrays of arrays: a list travels as text. Names of fields hold no comma.
    const FOUND: &str =
        "INSERT INTO hold_candidate (admission_id, stage, candidate, agrees, differs, found_at)
        SELECT $1::uuid, $2::text, u.candidate, string_to_array(u.agrees, ','), string_to_array(u.differs, ','), $6::timestamptz
        FROM unnest($3::text[], $4::text[], $5::text[]) AS u (candidate, agrees, differs)
        ON CONFLICT DO NOTHING";
    let (id, stage) = (admission.as_uuid(), stage.as_str());
    let found = &found[..found.len().min(MOST)];
    transaction.execute(GONE, &[&id, &stage]).await?;
    let columns = columns![found;
        |one| one.id.as_str(),
        |one| one.agrees.join(","),
        |one| one.differs.join(","),
    ];
    transaction.execute(FOUND, &[&id, &stage, columns[0], columns[1], columns[2], &now]).await?;
    Ok(())
}
