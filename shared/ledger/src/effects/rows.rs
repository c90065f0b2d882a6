//! Rows of the ledger, loaded under lock and stored again.

use deadpool_postgres::Transaction;
use domain::{
    AdmissionId, Code,
    effect::{Kind, LeaseToken, Resource, State},
};
use jiff::Timestamp;
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use super::Role;
use crate::{failure::Failure, text};

/// An effect.
#[derive(Debug, Clone)]
pub(super) struct Op {
    pub(super) op: Uuid,
    pub(super) admission: AdmissionId,
    pub(super) kind: Kind,
    pub(super) in_force: bool,
    pub(super) slot: Option<Uuid>,
    pub(super) role: Role,
    pub(super) idempotency: Vec<u8>,
    pub(super) seq: i64,
    pub(super) state: State,
    pub(super) attempts: u32,
    pub(super) searches: i32,
    /// What an update changes, or a release gives back, as it was when the lease was given.
    pub(super) before: Option<Resource>,
    pub(super) fresh: bool,
    pub(super) changed: bool,
}

/// What several submissions share.
#[derive(Debug, Clone)]
pub(super) struct Slot {
    pub(super) slot: Uuid,
    pub(super) key: SlotKey,
    pub(super) owner: Uuid,
    pub(super) resource: Option<Resource>,
    pub(super) written: i64,
    pub(super) fresh: bool,
    pub(super) changed: bool,
}

/// How a slot is found: clinic, person, kind and key.
pub(super) type SlotKey = (String, Uuid, Kind, Vec<u8>);

/// A line of `ehr_attempt`.
#[derive(Debug, Clone)]
pub(super) struct Trail {
    pub(super) op: Uuid,
    pub(super) admission: AdmissionId,
    pub(super) kind: Kind,
    pub(super) attempt: u32,
    pub(super) event: &'static str,
    pub(super) state: &'static str,
    pub(super) code: Option<Code>,
}

const OP: &str =
    "SELECT op_id, admission_id, kind, in_force, slot_id, role, idempotency, seq, state, attempts,
        searches, lease_until, unknown_since, empty_search, resource_id, version, code FROM ehr_op ";
const SLOT: &str = "SELECT slot_id, clinic, person_id, kind, key, owner_op, resource_id, version, written_seq FROM ehr_slot ";

/// Effects by their ids, and those in force of submissions and kinds, locked.
pub(super) async fn ops(
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

/// Slots by their keys, locked.
pub(super) async fn slots_by_key(
    transaction: &Transaction<'_>,
    keys: &[SlotKey],
) -> Result<Vec<Slot>, Failure> {
    let sql = format!(
        "{SLOT} WHERE (clinic, person_id, kind, key) IN
            (SELECT * FROM unnest($1::text[], $2::uuid[], $3::text[], $4::bytea[]))
        ORDER BY slot_id FOR UPDATE"
    );
    let clinics: Vec<_> = keys.iter().map(|key| key.0.as_str()).collect();
    let persons: Vec<_> = keys.iter().map(|key| key.1).collect();
    let kinds: Vec<_> = keys.iter().map(|key| key.2.as_str()).collect();
    let tails: Vec<_> = keys.iter().map(|key| key.3.as_slice()).collect();
    let rows = query(transaction, &sql, &[&clinics, &persons, &kinds, &tails]).await?;
    rows.iter().map(slot).collect()
}

/// Slots by their ids, locked.
pub(super) async fn slots(transaction: &Transaction<'_>, ids: &[Uuid]) -> Result<Vec<Slot>, Failure> {
    let sql = format!("{SLOT} WHERE slot_id = ANY($1) ORDER BY slot_id FOR UPDATE");
    query(transaction, &sql, &[&ids]).await?.iter().map(slot).collect()
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
        fresh: false,
        changed: false,
    })
}

fn slot(row: &Row) -> Result<Slot, Failure> {
    let kind = text::parse(row.try_get("kind")?)?;
    Ok(Slot {
        slot: row.try_get("slot_id")?,
        key: (row.try_get("clinic")?, row.try_get("person_id")?, kind, row.try_get("key")?),
        owner: row.try_get("owner_op")?,
        resource: resource(row)?,
        written: row.try_get("written_seq")?,
        fresh: false,
        changed: false,
    })
}

fn resource(row: &Row) -> Result<Option<Resource>, Failure> {
    let id: Option<String> = row.try_get("resource_id")?;
    let version = row.try_get("version")?;
    Ok(id.map(|id| Resource { id, version }))
}
