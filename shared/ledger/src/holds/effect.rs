//! A person's word on an effect in doubt, under the locks that any worker takes.

use deadpool_postgres::Transaction;
use domain::{
    AdmissionId,
    clock::Clock,
    effect::{Book, Kind, Protections, Said, Unheard},
};
use jiff::Timestamp;
use uuid::Uuid;

use super::Undecided;
use crate::{
    effects::{rows, store},
    failure::Failure,
};

/// What the book makes of it, stored. Slots are locked before effects, as a worker does it.
pub(super) async fn hear(
    transaction: &Transaction<'_>,
    admission: AdmissionId,
    said: &Said,
    asked: Timestamp,
    clock: &dyn Clock,
) -> Result<Result<Kind, Undecided>, Failure> {
    const SLOTS: &str =
        "SELECT slot_id FROM ehr_op WHERE admission_id = $1 AND in_force AND slot_id IS NOT NULL";
    let slots = transaction.query(SLOTS, &[&admission.as_uuid()]).await?;
    let slots: Vec<Uuid> = slots.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    let slots = if slots.is_empty() { Vec::new() } else { rows::slots(transaction, &[], &slots).await? };
    let owners: Vec<Uuid> = slots.iter().map(|slot| slot.owner).collect();
    let left =
        if owners.is_empty() { Vec::new() } else { left(transaction, &owners, admission, asked).await? };
    let wanted: Vec<_> = Kind::ALL.iter().map(|kind| (admission, *kind)).collect();
    let ops = rows::ops(transaction, &left, &wanted).await?;
    // After the locks: whoever held them may have taken a while.
    let now = clock.now();
    let mut book = Book::new(slots, ops, now, Protections::in_force());
    let kind = match book.hear(admission, said, asked, &mut || clock.fresh_id()) {
        Ok(kind) => kind,
        Err(unheard) => return Ok(Err(undecided(unheard))),
    };
    store::save(transaction, book.close(), now).await?;
    Ok(Ok(kind))
}

/// Those effects of other submissions that nobody can answer for there any more, because it was closed or discarded. They stand as they did
/// when the person was asked.
async fn left(
    transaction: &Transaction<'_>,
    owners: &[Uuid],
    admission: AdmissionId,
    asked: Timestamp,
) -> Result<Vec<Uuid>, Failure> {
    const SQL: &str = "SELECT o.op_id FROM ehr_op o JOIN submission s USING (admission_id)
        WHERE o.op_id = ANY($1) AND o.admission_id <> $2 AND o.in_force AND o.changed_at <= $3
            AND s.state NOT IN ('held', 'in_flight') AND NOT EXISTS (SELECT FROM dead_letter d
                WHERE d.admission_id = o.admission_id AND d.state IN ('open', 'archived'))";
    let rows = transaction.query(SQL, &[&owners, &admission.as_uuid(), &asked]).await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

const fn undecided(unheard: Unheard) -> Undecided {
    match unheard {
        Unheard::NothingInDoubt => Undecided::NothingInDoubt,
        Unheard::UnderWay => Undecided::UnderWay,
        Unheard::Another => Undecided::AnotherResource,
    }
}
