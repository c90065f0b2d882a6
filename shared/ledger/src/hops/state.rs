//! States, facts and holds of submissions.

use std::collections::HashMap;

use deadpool_postgres::Transaction;
use domain::{Stage, messages::Channel};
use uuid::Uuid;

use super::fold::Change;
use crate::failure::Failure;

/// A final state stays; any other may be left, but for what a later stage has stopped: see `may_move` in `fold.rs`, which this
/// repeats on the locked row. `in_flight` matters only to what was held or dead. Facts are added in any state.
/// Rows are locked in the order of their ids, so that two processes cannot deadlock; rows that would not change are left alone.
const APPLY: &str = "UPDATE submission s SET
        state = CASE WHEN moves THEN new.state ELSE s.state END,
        code = CASE WHEN moves THEN new.code ELSE s.code END,
        field = CASE WHEN moves THEN new.field ELSE s.field END,
        duplicate_of = CASE WHEN moves THEN coalesce(new.duplicate_of, s.duplicate_of) ELSE s.duplicate_of END,
        stopped_by = CASE WHEN NOT moves THEN s.stopped_by WHEN new.state IN ('held', 'dead') THEN new.stage END,
        settled_at = CASE WHEN NOT moves THEN s.settled_at WHEN new.state <> 'in_flight' THEN new.at END,
        eligibility = coalesce(new.eligibility, s.eligibility),
        patient = coalesce(new.patient, s.patient),
        appointment = coalesce(new.appointment, s.appointment),
        notified = coalesce(string_to_array(new.notified, ','), s.notified)
    FROM (
        SELECT n.*, old.state AS was, m.moves
        FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::text[],
                    $8::text[], $9::text[], $10::text[], $11::text[], $12::text[])
            AS n (admission_id, state, code, field, duplicate_of, at, eligibility, patient, appointment, notified, stage,
                  reach)
        JOIN submission old USING (admission_id)
        CROSS JOIN LATERAL (SELECT n.state IS NOT NULL AND old.state NOT IN ('completed', 'duplicate', 'rejected')
            AND (n.state <> old.state OR n.code IS DISTINCT FROM old.code
                 OR n.state IN ('held', 'dead') AND n.stage <> coalesce(old.stopped_by, ($13::text[])[1]))
            AND (old.state NOT IN ('held', 'dead') OR old.state = 'dead' AND n.state <> 'in_flight'
                 OR array_position($13::text[], n.reach)
                    >= array_position($13::text[], coalesce(old.stopped_by, ($13::text[])[1]))) AS moves) m
        WHERE m.moves OR n.eligibility IS NOT NULL OR n.patient IS NOT NULL OR n.appointment IS NOT NULL
            OR n.notified IS NOT NULL
        ORDER BY n.admission_id
        FOR NO KEY UPDATE OF old
    ) AS new
    WHERE s.admission_id = new.admission_id
    RETURNING s.admission_id, s.state, new.was";

/// Held again, such as after a process died before it could acknowledge: the person is asked anew, about what the line has done since.
const HOLD: &str = "INSERT INTO held (admission_id, stage, lane, code, field, envelope, since)
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bytea[], $7::timestamptz[])
    ON CONFLICT (admission_id) DO UPDATE SET stage = excluded.stage, lane = excluded.lane, code = excluded.code,
        field = excluded.field, envelope = coalesce(excluded.envelope, held.envelope),
        since = greatest(held.since, excluded.since)";

/// Only what the holding stage parks is kept: an earlier stage's late hold does not take the place of a later one's envelope.
const HELD: &str = "SELECT admission_id, coalesce(stopped_by, $2) FROM submission
    WHERE admission_id = ANY($1) AND state = 'held'";

/// Applies the changes, which are in the order of their ids.
pub(super) async fn apply(transaction: &Transaction<'_>, changes: &[Change<'_>]) -> Result<(), Failure> {
    if changes.is_empty() {
        return Ok(());
    }
    fn column<'a, T>(changes: &'a [Change<'a>], value: impl Fn(&'a Change<'a>) -> T) -> Vec<T> {
        changes.iter().map(value).collect()
    }
    let statement = transaction.prepare_cached(APPLY).await?;
    let rows = transaction
        .query(
            &statement,
            &[
                &column(changes, |c| c.admission.as_uuid()),
                &column(changes, |c| c.state),
                &column(changes, |c| c.code.map(|code| code.as_str())),
                &column(changes, |c| c.field.map(|field| field.as_str())),
                &column(changes, |c| c.duplicate_of),
                &column(changes, |c| c.at),
                &column(changes, |c| c.facts.eligibility.map(|status| status.as_str())),
                &column(changes, |c| c.facts.patient.as_deref()),
                &column(changes, |c| c.facts.appointment.as_deref()),
                &column(changes, |c| c.facts.notified.as_deref().map(channels)),
                &column(changes, |c| c.stage.as_str()),
                &column(changes, |c| c.reach.as_str()),
                &Stage::ALL.map(Stage::as_str).as_slice(),
            ],
        )
        .await?;
    let mut freed = Vec::new();
    for row in &rows {
        let (id, is, was): (Uuid, &str, &str) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        if was == "held" && is != "held" {
            freed.push(id);
        }
    }
    if !freed.is_empty() {
        transaction.execute("DELETE FROM held WHERE admission_id = ANY($1)", &[&freed]).await?;
    }
    hold(transaction, changes).await
}

/// Keeps what a person decides about: also if admission has set the state already.
async fn hold(transaction: &Transaction<'_>, changes: &[Change<'_>]) -> Result<(), Failure> {
    let mut wanted: HashMap<Uuid, &Change<'_>> =
        changes.iter().filter(|c| c.held.is_some()).map(|c| (c.admission.as_uuid(), c)).collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = wanted.keys().copied().collect();
    // What admission holds, validation holds.
    let really = transaction.query(HELD, &[&ids, &Stage::Validation.as_str()]).await?;
    let mut rows = Vec::with_capacity(really.len());
    for row in &really {
        let (id, by): (Uuid, &str) = (row.try_get(0)?, row.try_get(1)?);
        let parks = wanted.remove(&id).and_then(|change| Some((id, change, change.held?)));
        rows.extend(parks.filter(|(.., hop)| hop.stage.as_str() == by));
    }
    rows.sort_by_key(|(id, ..)| *id);
    let statement = transaction.prepare_cached(HOLD).await?;
    transaction
        .execute(
            &statement,
            &[
                &rows.iter().map(|(id, ..)| *id).collect::<Vec<_>>(),
                &rows.iter().map(|(_, _, hop)| hop.stage.as_str()).collect::<Vec<_>>(),
                &rows.iter().map(|(_, _, hop)| hop.lane.as_str()).collect::<Vec<_>>(),
                &rows.iter().map(|(_, c, _)| c.code.map_or("", |code| code.as_str())).collect::<Vec<_>>(),
                &rows.iter().map(|(_, c, _)| c.field.map(|field| field.as_str())).collect::<Vec<_>>(),
                &rows.iter().map(|(_, _, hop)| hop.parked.as_deref()).collect::<Vec<_>>(),
                &rows.iter().map(|(_, c, _)| c.at).collect::<Vec<_>>(),
            ],
        )
        .await?;
    Ok(())
}

/// `unnest` flattens arrays of arrays: a list travels as text. Channel names hold no comma; no channel is `""`.
fn channels(channels: &[Channel]) -> String {
    channels.iter().map(|channel| channel.as_str()).collect::<Vec<_>>().join(",")
}
