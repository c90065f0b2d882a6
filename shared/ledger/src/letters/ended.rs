//! What a discard ends beside the letters: their submissions.

use deadpool_postgres::Transaction;
use domain::{Stage, hold::Word, ids::LetterId};
use jiff::Timestamp;
use uuid::Uuid;

use super::{LAST_WORD, OF_SUBMISSION, UNHEARD};
use crate::{acts::Actor, failure::Failure};

/// Ends the submissions of letters that were just discarded, as the closing of a hold does: they are rejected with what they died of, or
/// completed if all that was left was to tell the patient. Not one that has another letter that somebody may still replay, nor one that has
/// gone on since. A message of it that is still in a queue then finds, at the EHR-writer, that it does not go on.
pub(super) async fn end(
    transaction: &Transaction<'_>,
    letters: &[LetterId],
    (actor, reason): (&Actor, &str),
    now: Timestamp,
) -> Result<(), Failure> {
    // The parts of the union have an index each; whether it is a letter of the submission the last condition says.
    let sql = format!(
        "WITH ending AS (
            SELECT DISTINCT ON (s.admission_id) s.admission_id, l.stage, l.lane,
                coalesce(l.code, s.code, 'delivery_limit') AS code, l.field
            FROM dead_letter l
            CROSS JOIN LATERAL (
                SELECT * FROM submission a WHERE a.admission_id = l.admission_id
                UNION ALL SELECT * FROM submission a WHERE l.admission_id IS NULL AND a.correlation_id = l.correlation_id
                UNION ALL SELECT * FROM submission a WHERE l.admission_id IS NULL AND NOT a.copy
                    AND a.submission_id = l.submission_id AND a.clinic = l.clinic) s
            WHERE l.letter_id = ANY($1) AND {OF_SUBMISSION} AND s.state IN ('in_flight', 'dead') AND {LAST_WORD}
                AND NOT EXISTS (SELECT FROM dead_letter l WHERE {OF_SUBMISSION}
                    AND (l.state IN ('open', 'archived') OR {UNHEARD}))
            ORDER BY s.admission_id, l.died_at DESC),
        moved AS (
            UPDATE submission s SET stopped_by = NULL, settled_at = $2,
                state = CASE WHEN e.stage = $3 THEN 'completed' ELSE 'rejected' END,
                code = CASE WHEN e.stage = $3 THEN NULL ELSE e.code END,
                field = CASE WHEN e.stage = $3 THEN NULL ELSE e.field END
            FROM ending e WHERE s.admission_id = e.admission_id AND s.state IN ('in_flight', 'dead')
            RETURNING s.*, e.stage AS at_stage, e.lane AS at_lane, e.code AS died_of, e.field AS died_at_field),
        decided AS (
            INSERT INTO hold_decision (at, admission_id, stage, code, field, decision, others, actor, role, reason)
            SELECT $2, admission_id, $4::text, died_of, died_at_field, $5::text, '{{}}'::text[], $6::text, $7::text, $8::text
            FROM moved)
        INSERT INTO journal (at, started_at, admission_id, submission_id, clinic, correlation_id, message_id, stage, lane,
            event, state, code, field, attempt, actor)
        SELECT $2, $2, admission_id, submission_id, clinic, correlation_id, message_id, at_stage, at_lane,
            'decided', state, died_of, died_at_field, 1, $6 FROM moved"
    );
    let ids: Vec<Uuid> = letters.iter().map(|id| id.as_uuid()).collect();
    let (last, writer) = (Stage::Notification.as_str(), Stage::EhrWriter.as_str());
    let word = Word::Close.as_str();
    transaction
        .execute(&sql, &[&ids, &now, &last, &writer, &word, &actor.name, &actor.role, &reason])
        .await?;
    Ok(())
}
