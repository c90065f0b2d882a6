//! Journal rows.

use deadpool_postgres::Transaction;
use domain::{Code, FieldPath, hop::Hop};

use super::fold::{reason, state_name};
use crate::failure::Failure;

const APPEND: &str = "INSERT INTO journal
    (at, started_at, admission_id, submission_id, clinic, correlation_id, message_id, stage, lane, event, state,
     code, field, endpoint, template_id, template_version, attempt, trace_id)
    SELECT * FROM unnest($1::timestamptz[], $2::timestamptz[], $3::uuid[], $4::text[], $5::text[], $6::uuid[],
     $7::uuid[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[],
     $15::text[], $16::int[], $17::int[], $18::text[])";

/// Appends one row for each hop, in their order.
pub(super) async fn append(transaction: &Transaction<'_>, hops: &[Hop]) -> Result<(), Failure> {
    fn column<'a, T>(hops: &'a [Hop], value: impl Fn(&'a Hop) -> T) -> Vec<T> {
        hops.iter().map(value).collect()
    }
    let number = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
    let statement = transaction.prepare_cached(APPEND).await?;
    transaction
        .execute(
            &statement,
            &[
                &column(hops, |hop| hop.finished_at),
                &column(hops, |hop| hop.started_at),
                &column(hops, |hop| hop.admission.map(|id| id.as_uuid())),
                &column(hops, |hop| hop.submission.as_ref().map(|id| id.as_str())),
                &column(hops, |hop| hop.clinic.as_ref().map(|id| id.as_str())),
                &column(hops, |hop| hop.correlation.map(|id| id.as_uuid())),
                &column(hops, |hop| hop.message.as_uuid()),
                &column(hops, |hop| hop.stage.as_str()),
                &column(hops, |hop| hop.lane.as_str()),
                &column(hops, |hop| hop.event.as_str()),
                &column(hops, |hop| hop.transition.as_ref().and_then(state_name)),
                &column(hops, |hop| why(hop).0.map(|code| code.as_str())),
                &column(hops, |hop| why(hop).1.map(|field| field.as_str())),
                &column(hops, |hop| hop.endpoint.as_ref().map(|endpoint| endpoint.as_str())),
                &column(hops, |hop| hop.template.as_ref().map(|template| template.id.as_str())),
                &column(hops, |hop| hop.template.as_ref().map(|template| number(template.version))),
                &column(hops, |hop| number(hop.attempt)),
                &column(hops, |hop| hop.trace_id.as_deref()),
            ],
        )
        .await?;
    Ok(())
}

/// The hop's own reason, or its transition's.
fn why(hop: &Hop) -> (Option<Code>, Option<&FieldPath>) {
    let (code, field) = hop.transition.as_ref().map_or((None, None), reason);
    (hop.code.or(code), hop.field.as_ref().or(field))
}
