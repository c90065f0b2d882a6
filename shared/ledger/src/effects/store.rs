//! Storing what was decided.

use deadpool_postgres::Transaction;
use domain::effect::{Decided, Mark, Op, Resource, Role, Slot, State};
use jiff::Timestamp;

use crate::{
    columns::columns,
    failure::{Failure, all},
};

const SLOTS: &str =
    "unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::bytea[], $6::uuid[], $7::text[],
        $8::text[], $9::bigint[])
    AS u (slot_id, clinic, person_id, kind, key, owner_op, resource_id, version, written_seq)";
const OPS: &str = "unnest($1::uuid[], $2::uuid[], $3::text[], $4::boolean[], $5::uuid[], $6::text[], $7::bytea[],
        $8::bigint[], $9::text[], $10::int[], $11::int[], $12::timestamptz[], $13::timestamptz[], $14::timestamptz[],
        $15::text[], $16::text[], $17::text[], $18::timestamptz[])
    AS u (op_id, admission_id, kind, in_force, slot_id, role, idempotency, seq, state, attempts, searches,
        lease_until, unknown_since, empty_search, resource_id, version, code, changed_at)";
const OP_COLUMNS: &str =
    "op_id, admission_id, kind, in_force, slot_id, role, idempotency, seq, state, attempts,
        searches, lease_until, unknown_since, empty_search, resource_id, version, code, changed_at";
const TRAIL: &str = "INSERT INTO ehr_attempt (op_id, admission_id, kind, attempt, event, state, code, at)
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::int[], $5::text[], $6::text[], $7::text[],
        $8::timestamptz[])";

/// Stores what was decided. If another process was faster with a new row, the whole batch is done again and sees it.
pub(crate) async fn save(
    transaction: &Transaction<'_>,
    Decided { slots, ops, trail }: Decided,
    now: Timestamp,
) -> Result<(), Failure> {
    let (fresh, known): (Vec<_>, Vec<_>) = slots.into_iter().partition(|slot| slot.mark == Mark::Fresh);
    put_slots(
        transaction,
        fresh,
        &format!("INSERT INTO ehr_slot SELECT * FROM {SLOTS} ON CONFLICT DO NOTHING"),
    )
    .await?;
    let update = format!(
        "UPDATE ehr_slot s SET owner_op = u.owner_op, resource_id = u.resource_id, version = u.version,
            written_seq = u.written_seq
        FROM {SLOTS} WHERE s.slot_id = u.slot_id"
    );
    put_slots(transaction, known, &update).await?;

    let (fresh, known): (Vec<_>, Vec<_>) = ops.into_iter().partition(|op| op.mark == Mark::Fresh);
    // Known ones first: a round that is no longer in force makes room for the new one.
    let update = format!(
        "UPDATE ehr_op o SET in_force = u.in_force, role = u.role, state = u.state, attempts = u.attempts,
            searches = u.searches, lease_until = u.lease_until, unknown_since = u.unknown_since,
            empty_search = u.empty_search, resource_id = u.resource_id, version = u.version, code = u.code,
            changed_at = u.changed_at
        FROM {OPS} WHERE o.op_id = u.op_id"
    );
    put_ops(transaction, known, &update, now).await?;
    let insert =
        format!("INSERT INTO ehr_op ({OP_COLUMNS}) SELECT {OP_COLUMNS} FROM {OPS} ON CONFLICT DO NOTHING");
    put_ops(transaction, fresh, &insert, now).await?;

    if !trail.is_empty() {
        let statement = transaction.prepare_cached(TRAIL).await?;
        let columns = columns![trail;
            |line| line.op,
            |line| line.admission.as_uuid(),
            |line| line.kind.as_str(),
            |line| signed(line.attempt),
            |line| line.event,
            |line| line.state,
            |line| line.code.map(|code| code.as_str()),
            |_| now,
        ];
        transaction.execute(&statement, &columns).await?;
    }
    Ok(())
}

async fn put_slots(transaction: &Transaction<'_>, mut rows: Vec<Slot>, sql: &str) -> Result<(), Failure> {
    if rows.is_empty() {
        return Ok(());
    }
    rows.sort_by(|a, b| a.key.cmp(&b.key));
    let statement = transaction.prepare_cached(sql).await?;
    let columns = columns![rows;
        |slot| slot.slot,
        |slot| slot.key.clinic.as_str(),
        |slot| slot.key.person.as_uuid(),
        |slot| slot.key.kind.as_str(),
        |slot| slot.key.key.as_slice(),
        |slot| slot.owner,
        |slot| id(slot.resource.as_ref()),
        |slot| version(slot.resource.as_ref()),
        |slot| slot.written,
    ];
    all(transaction.execute(&statement, &columns).await?, rows.len())
}

async fn put_ops(
    transaction: &Transaction<'_>,
    mut rows: Vec<Op>,
    sql: &str,
    now: Timestamp,
) -> Result<(), Failure> {
    if rows.is_empty() {
        return Ok(());
    }
    rows.sort_by_key(|op| (op.admission, op.kind));
    let statement = transaction.prepare_cached(sql).await?;
    let columns = columns![rows;
        |op| op.op,
        |op| op.admission.as_uuid(),
        |op| op.kind.as_str(),
        |op| op.in_force,
        |op| op.slot,
        |op| match op.role { Role::Create => "create", Role::Update => "update" },
        |op| op.idempotency.as_slice(),
        |op| op.seq,
        |op| op.state.as_str(),
        |op| signed(op.attempts),
        |op| op.searches,
        |op| match op.state { State::Intent { until, .. } => Some(until), _ => None },
        |op| match op.state { State::Unknown { since, .. } => Some(since), _ => None },
        |op| match op.state { State::Unknown { empty, .. } => empty, _ => None },
        |op| id(shown(op)),
        |op| version(shown(op)),
        |op| match op.state { State::Rejected { code } => Some(code.as_str()), _ => None },
        |_| now,
    ];
    all(transaction.execute(&statement, &columns).await?, rows.len())
}

/// What the row's resource columns hold: what was written or, until then, what was there before.
fn shown(op: &Op) -> Option<&Resource> {
    match &op.state {
        State::Done(resource) => Some(resource),
        _ => op.before.as_ref(),
    }
}

fn id(resource: Option<&Resource>) -> Option<&str> {
    resource.map(|resource| resource.id.as_str())
}

fn version(resource: Option<&Resource>) -> Option<&str> {
    resource.and_then(|resource| resource.version.as_deref())
}

fn signed(attempts: u32) -> i32 {
    i32::try_from(attempts).unwrap_or(i32::MAX)
}
