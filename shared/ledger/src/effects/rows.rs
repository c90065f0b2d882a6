//! Rows of the ledger, loaded under lock.

use deadpool_postgres::Transaction;
use domain::{
    AdmissionId, PersonId,
    effect::{Kind, LeaseToken, Mark, Op, Resource, Role, Slot, SlotKey, State},
};
use jiff::Timestamp;
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use crate::{failure::Failure, text};

const OP: &str =
    "SELECT op_id, admission_id, kind, in_force, slot_id, role, idempotency, seq, state, attempts,
        searches, lease_until, unknown_since, empty_search, resource_id, version, code FROM ehr_op ";
const SLOT: &str = "SELECT slot_id, clinic, person_id, kind, key, owner_op, resource_id, version, written_seq FROM ehr_slot ";

/// Effects by their ids, and those in force of submissions and kinds, locked.
pub(crate) async fn ops(
    transaction: &Transaction<'_>,
    ids: &[Uuid],
    wanted: &[(AdmissionId, Kind)],
) -> Result<Vec<Op>, Failure> {
    let sql = format!(
        "{OP} WHERE op_id IN (
            SELECT o.op_id FROM unnest($1::uuid[], $2::text[]) AS w (admission_id, kind)
                JOIN ehr_op o USING (admission_id, kind) WHERE o.in_force
            UNION SELECT unnest($3::uuid[]))
        ORDER BY op_id FOR UPDATE"
    );
    let admissions: Vec<_> = wanted.iter().map(|(admission, _)| admission.as_uuid()).collect();
    let kinds: Vec<_> = wanted.iter().map(|(_, kind)| kind.as_str()).collect();
    let rows = query(transaction, &sql, &[&admissions, &kinds, &ids]).await?;
    rows.iter().map(op).collect()
}

/// Slots by their keys and by their ids, locked.
pub(crate) async fn slots(
    transaction: &Transaction<'_>,
    keys: &[SlotKey],
    ids: &[Uuid],
) -> Result<Vec<Slot>, Failure> {
    let sql = format!(
        "{SLOT} WHERE slot_id IN (
            SELECT s.slot_id FROM unnest($1::text[], $2::uuid[], $3::text[], $4::bytea[])
                AS w (clinic, person_id, kind, key) JOIN ehr_slot s USING (clinic, person_id, kind, key)
            UNION SELECT unnest($5::uuid[]))
        ORDER BY slot_id FOR UPDATE"
    );
    let clinics: Vec<_> = keys.iter().map(|key| key.clinic.as_str()).collect();
    let persons: Vec<_> = keys.iter().map(|key| key.person.as_uuid()).collect();
    let kinds: Vec<_> = keys.iter().map(|key| key.kind.as_str()).collect();
    let tails: Vec<_> = keys.iter().map(|key| key.key.as_slice()).collect();
    let rows = query(transaction, &sql, &[&clinics, &persons, &kinds, &tails, &ids]).await?;
    rows.iter().map(slot).collect()
}

async fn query(
    transaction: &Transaction<'_>,
    sql: &str,
    values: &[&(dyn ToSql + Sync)],
) -> Result<Vec<Row>, Failure> {
    let statement = transaction.prepare_cached(sql).await?;
    Ok(transaction.query(&statement, values).await?)
}

fn op(row: &Row) -> Result<Op, Failure> {
    let state: &str = row.try_get("state")?;
    let attempts = row.try_get::<_, i32>("attempts")?.unsigned_abs();
    let role = match row.try_get("role")? {
        "create" => Role::Create,
        "update" => Role::Update,
        _ => return Err(Failure::Data),
    };
    let resource = resource(row)?;
    let token = LeaseToken(attempts);
    let when = |column| row.try_get::<_, Option<Timestamp>>(column)?.ok_or(Failure::Data);
    let code = text::code(row, "code")?;
    Ok(Op {
        op: row.try_get("op_id")?,
        admission: text::admission(row, "admission_id")?,
        kind: text::parse(row.try_get("kind")?)?,
        in_force: row.try_get("in_force")?,
        slot: row.try_get("slot_id")?,
        role,
        idempotency: row.try_get("idempotency")?,
        seq: row.try_get("seq")?,
        state: match state {
            "ready" => State::Ready,
            "intent" => State::Intent { token, until: when("lease_until")? },
            "done" => State::Done(resource.clone().ok_or(Failure::Data)?),
            "rejected" => State::Rejected { code: code.ok_or(Failure::Data)? },
            "unknown" => {
                let empty = row.try_get("empty_search")?;
                State::Unknown { token, since: when("unknown_since")?, empty }
            }
            "conflict" => State::Conflict,
            "parked" => State::Parked,
            _ => return Err(Failure::Data),
        },
        attempts,
        searches: row.try_get("searches")?,
        before: resource,
        mark: Mark::Stored,
    })
}

fn slot(row: &Row) -> Result<Slot, Failure> {
    let key = SlotKey {
        clinic: text::clinic(row)?,
        person: PersonId::from_uuid(row.try_get("person_id")?),
        kind: text::parse(row.try_get("kind")?)?,
        key: row.try_get("key")?,
    };
    Ok(Slot {
        slot: row.try_get("slot_id")?,
        key,
        owner: row.try_get("owner_op")?,
        resource: resource(row)?,
        written: row.try_get("written_seq")?,
        mark: Mark::Stored,
    })
}

fn resource(row: &Row) -> Result<Option<Resource>, Failure> {
    let id: Option<String> = row.try_get("resource_id")?;
    let version = row.try_get("version")?;
    Ok(id.map(|id| Resource { id, version }))
}
