//! The ledger and the journal, by plain SQL.

use anyhow::{Context as _, bail};
use futures_util::{TryStreamExt as _, pin_mut};
use testkit::sandbox::Channel;
use tokio_postgres::{Client, NoTls, Row};
use uuid::Uuid;

use crate::chaos::check::facts::{Attempt, Dead, Hops, Ledger, Notice, Op, Step, Submission};

const SUBMISSIONS: &str = "SELECT admission_id, seq, clinic, submission_id, copy, state, code, patient, appointment FROM submission";

/// What each admission's rows say in all, and the state in the last row that has one.
const HOPS: &str = "SELECT admission_id,
        bool_or(stage = 'validation' AND event = 'emitted'),
        bool_or(stage = 'eligibility' AND event = 'emitted'),
        bool_or(stage = 'ehr-writer' AND event = 'emitted'),
        bool_or(stage = 'notification' AND event IN ('settled', 'held')),
        (array_agg(state ORDER BY seq DESC) FILTER (WHERE state IS NOT NULL))[1]
    FROM journal WHERE admission_id IS NOT NULL GROUP BY admission_id";

const UNREADABLE: &str =
    "SELECT DISTINCT message_id FROM journal WHERE admission_id IS NULL AND event = 'died'";

const OPS: &str =
    "SELECT op_id, admission_id, kind, in_force, role, encode(idempotency, 'hex'), seq, state, attempts,
    resource_id, version FROM ehr_op";

/// The rows of one effect are written under its lock, by one clock: their times are their order. Where two are equal they were
/// written by one statement, in the order of the table.
///
/// No row is ever changed, so that the transaction that a row is of is the one that wrote it. A server that keeps no times of
/// commits refuses to be asked for one; it gives none for what was committed before it began to keep them.
const ATTEMPTS: &str = "SELECT op_id, attempt, event, state, at,
        coalesce(CASE WHEN current_setting('track_commit_timestamp') = 'on'
            THEN pg_xact_commit_timestamp(xmin) END, at)
    FROM ehr_attempt ORDER BY op_id, at, ctid";

const COLLECTED: &str = "SELECT stage || '.' || lane || '.dlq', message_id FROM dead_letter";

const NOTICES: &str = "SELECT admission_id, channel, state, provider_id FROM notification";

/// Everything that is judged, and the dead letters that were collected, in one snapshot.
pub(super) async fn read(url: &str) -> anyhow::Result<(Ledger, Vec<Dead>)> {
    // The error's text may hold parts of the URL.
    let (client, connection) = tokio_postgres::connect(url, NoTls)
        .await
        .map_err(|_| anyhow::anyhow!("the database does not answer"))?;
    let connection = tokio::spawn(connection);
    client.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let ledger = Ledger {
        submissions: rows(&client, SUBMISSIONS, submission).await?,
        hops: rows(&client, HOPS, hops).await?,
        unreadable: rows(&client, UNREADABLE, |row| Ok(row.try_get::<_, Uuid>(0)?)).await?,
        ops: rows(&client, OPS, op).await?,
        attempts: rows(&client, ATTEMPTS, attempt).await?,
        notices: rows(&client, NOTICES, notice).await?,
    };
    let collected = rows(&client, COLLECTED, dead).await?;
    client.batch_execute("COMMIT").await?;
    drop(client);
    connection.await??;
    Ok((ledger, collected))
}

async fn rows<T>(
    client: &Client,
    sql: &str,
    read: impl Fn(&Row) -> anyhow::Result<T>,
) -> anyhow::Result<Vec<T>> {
    let stream = client.query_raw(sql, Vec::<i32>::new()).await?;
    pin_mut!(stream);
    let mut all = Vec::new();
    while let Some(row) = stream.try_next().await? {
        all.push(read(&row)?);
    }
    Ok(all)
}

fn submission(row: &Row) -> anyhow::Result<Submission> {
    Ok(Submission {
        admission: row.try_get(0)?,
        seq: row.try_get(1)?,
        clinic: row.try_get(2)?,
        submission: row.try_get(3)?,
        copy: row.try_get(4)?,
        state: row.try_get(5)?,
        code: row.try_get(6)?,
        patient: row.try_get(7)?,
        appointment: row.try_get(8)?,
    })
}

fn dead(row: &Row) -> anyhow::Result<Dead> {
    Ok(Dead { queue: row.try_get(0)?, message: row.try_get(1)? })
}

fn hops(row: &Row) -> anyhow::Result<Hops> {
    let handed_on = [row.try_get(1)?, row.try_get(2)?, row.try_get(3)?];
    Ok(Hops { admission: row.try_get(0)?, handed_on, ended: row.try_get(4)?, state: row.try_get(5)? })
}

fn op(row: &Row) -> anyhow::Result<Op> {
    let version: Option<&str> = row.try_get(10)?;
    let digits = version.map(|tag| tag.chars().filter(char::is_ascii_digit).collect::<String>());
    Ok(Op {
        op: row.try_get(0)?,
        admission: row.try_get(1)?,
        kind: row.try_get::<_, &str>(2)?.parse()?,
        in_force: row.try_get(3)?,
        update: row.try_get::<_, &str>(4)? == "update",
        idempotency: row.try_get(5)?,
        seq: row.try_get(6)?,
        state: row.try_get(7)?,
        attempts: row.try_get(8)?,
        resource: row.try_get(9)?,
        version: digits.and_then(|digits| digits.parse().ok()),
    })
}

fn attempt(row: &Row) -> anyhow::Result<Attempt> {
    let event: &str = row.try_get(2)?;
    let step =
        Step::parse(event).with_context(|| format!("the ledger says `{event}`, which is not known here"))?;
    Ok(Attempt {
        op: row.try_get(0)?,
        attempt: row.try_get(1)?,
        step,
        state: row.try_get(3)?,
        at: row.try_get(4)?,
        committed_at: row.try_get(5)?,
    })
}

fn notice(row: &Row) -> anyhow::Result<Notice> {
    let channel = match row.try_get(1)? {
        "email" => Channel::Email,
        "sms" => Channel::Sms,
        other => bail!("the ledger knows a channel `{other}`"),
    };
    Ok(Notice { admission: row.try_get(0)?, channel, state: row.try_get(2)?, provider: row.try_get(3)? })
}
