//! Writing what was decided, one statement a table.

use std::collections::BTreeSet;

use deadpool_postgres::Transaction;
use domain::Stage;
use jiff::Timestamp;
use tokio_postgres::types::ToSql;

use super::{
    AdmissionRequest, Decision,
    decide::{Book, Row},
    people::Added,
};
use crate::{columns::columns, failure::Failure, holds::found, range::storable};

const SUBMISSION: &str = "INSERT INTO submission (admission_id, clinic, submission_id, copy, content, message_id,
        correlation_id, source, submitted_at, received_at, admitted_at, appointment_at, template_id, template_version,
        decision, decision_code, decision_field, person_id, new_person, duplicate_of, state, code, field, settled_at, corrected)
    SELECT u.admission_id, u.clinic, u.submission_id, u.copy, u.content, u.message_id, u.correlation_id, u.source,
        u.submitted_at, u.received_at, $20::timestamptz, u.appointment_at, u.template_id, u.template_version,
        u.decision, u.code, u.field, u.person_id, u.new_person, u.duplicate_of,
        CASE u.decision WHEN 'admitted' THEN 'in_flight' ELSE u.decision END, u.code, u.field,
        CASE WHEN u.decision <> 'admitted' THEN $20::timestamptz END, u.corrected
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::boolean[], $5::bytea[], $6::uuid[], $7::uuid[], $8::text[],
        $9::timestamptz[], $10::timestamptz[], $11::timestamptz[], $12::text[], $13::int[], $14::text[], $15::text[],
        $16::text[], $17::uuid[], $18::boolean[], $19::text[], $21::boolean[])
    WITH ORDINALITY AS u (admission_id, clinic, submission_id, copy, content, message_id, correlation_id, source,
        submitted_at, received_at, appointment_at, template_id, template_version, decision, code, field, person_id,
        new_person, duplicate_of, corrected, nth)
    ORDER BY u.nth";
const BODY: &str =
    "INSERT INTO submission_body (admission_id, sealed) SELECT * FROM unnest($1::uuid[], $2::bytea[])";
const PERSON: &str = "INSERT INTO person (person_id, clinic, first_seen)
    SELECT u.*, $3::timestamptz FROM unnest($1::uuid[], $2::text[]) AS u";
const RECORD: &str = "INSERT INTO person_record (person_id, admission_id, sealed)
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bytea[])";
const BLOCK: &str = "INSERT INTO person_block (clinic, block, person_id)
    SELECT * FROM unnest($1::text[], $2::bytea[], $3::uuid[]) ON CONFLICT DO NOTHING";
const REQUEST: &str = "INSERT INTO request (clinic, person_id, request, admission_id, submission_id)
    SELECT * FROM unnest($1::text[], $2::uuid[], $3::bytea[], $4::uuid[], $5::text[])";

/// What was held, decided anew. Its state is already that of something on its way: the hop says what becomes of it.
const CHANGE: &str = "UPDATE submission s SET decision = u.decision, decision_code = u.code, decision_field = u.field,
        person_id = u.person_id, new_person = u.new_person, duplicate_of = coalesce(u.duplicate_of, s.duplicate_of)
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::uuid[], $6::boolean[], $7::text[])
        AS u (admission_id, decision, code, field, person_id, new_person, duplicate_of)
    WHERE s.admission_id = u.admission_id";

/// Writes a batch's decisions.
pub(super) async fn batch(
    transaction: &Transaction<'_>,
    book: &Book<'_>,
    added: &[Added],
    now: Timestamp,
) -> Result<(), Failure> {
    let rows: Vec<(&Row<'_>, &AdmissionRequest)> =
        book.rows.iter().filter_map(|row| Some((row, row.source?))).collect();
    submissions(transaction, &rows, now).await?;
    changes(transaction, &book.changed).await?;
    for (admission, candidates) in &book.doubtful {
        found::candidates(transaction, *admission, Stage::Validation, candidates, now).await?;
    }
    let bodies = columns![rows; |(row, _)| row.admission.as_uuid(), |(_, from)| from.original.as_slice()];
    put(transaction, BODY, rows.len(), &bodies).await?;
    people(transaction, book, added, now).await?;
    let requests = columns![book.requests;
        |(clinic, ..)| clinic.as_str(),
        |(_, person, ..)| person.as_uuid(),
        |(_, _, request, ..)| request.as_bytes().as_slice(),
        |(_, _, _, admission, _)| admission.as_uuid(),
        |(.., submission)| submission.as_str(),
    ];
    put(transaction, REQUEST, book.requests.len(), &requests).await
}

async fn submissions(
    transaction: &Transaction<'_>,
    rows: &[(&Row<'_>, &AdmissionRequest)],
    now: Timestamp,
) -> Result<(), Failure> {
    let columns = columns![rows;
        |(row, _)| row.admission.as_uuid(),
        |(row, _)| row.key.clinic.as_str(),
        |(row, _)| row.key.submission.as_str(),
        |(row, _)| row.copy,
        |(row, _)| row.content.as_slice(),
        |(row, _)| row.message.as_uuid(),
        |(_, from)| from.correlation.as_uuid(),
        |(_, from)| from.source.as_str(),
        |(_, from)| storable(from.submitted_at),
        |(_, from)| from.received_at,
        |(_, from)| from.appointment_at.map(storable),
        |(_, from)| from.template.as_ref().map(|template| template.id.as_str()),
        |(_, from)| from.template.as_ref().map(|t| i32::try_from(t.version).unwrap_or(i32::MAX)),
        |(row, _)| decision(&row.decision),
        |(row, _)| reason(&row.decision).0,
        |(row, _)| reason(&row.decision).1,
        |(row, _)| row.person.map(|person| person.as_uuid()),
        |(row, _)| matches!(row.decision, Decision::Admitted { new_person: true, .. }),
        |(row, _)| match &row.decision { Decision::Duplicate { of } => Some(of.as_str()), _ => None },
    ];
    let mut values = columns.to_vec();
    let corrected: Vec<bool> = rows.iter().map(|(row, _)| row.corrected).collect();
    values.push(&now);
    values.push(&corrected);
    put(transaction, SUBMISSION, rows.len(), &values).await
}

async fn changes(transaction: &Transaction<'_>, rows: &[Row<'_>]) -> Result<(), Failure> {
    let columns = columns![rows;
        |row| row.admission.as_uuid(),
        |row| decision(&row.decision),
        |row| reason(&row.decision).0,
        |row| reason(&row.decision).1,
        |row| row.person.map(|person| person.as_uuid()),
        |row| matches!(row.decision, Decision::Admitted { new_person: true, .. }),
        |row| match &row.decision { Decision::Duplicate { of } => Some(of.as_str()), _ => None },
    ];
    put(transaction, CHANGE, rows.len(), &columns).await
}

async fn people(
    transaction: &Transaction<'_>,
    book: &Book<'_>,
    added: &[Added],
    now: Timestamp,
) -> Result<(), Failure> {
    let new: Vec<&Added> = added.iter().filter(|added| added.is_new).collect();
    let persons = columns![new; |added| added.person.as_uuid(), |added| added.clinic.as_str()];
    let mut values = persons.to_vec();
    values.push(&now);
    put(transaction, PERSON, new.len(), &values).await?;

    let records: Vec<_> =
        added.iter().filter_map(|added| Some((added, book.admitted.get(&added.nth)?))).collect();
    let columns = columns![records;
        |(added, _)| added.person.as_uuid(),
        |(_, admission)| admission.as_uuid(),
        |(added, _)| &*added.sealed,
    ];
    put(transaction, RECORD, records.len(), &columns).await?;

    let blocks: BTreeSet<_> = added
        .iter()
        .flat_map(|added| {
            added
                .blocks
                .iter()
                .map(|block| (added.clinic.as_str(), block.as_bytes().as_slice(), added.person))
        })
        .collect();
    let columns =
        columns![blocks; |(clinic, ..)| *clinic, |(_, block, _)| *block, |(.., person)| person.as_uuid()];
    put(transaction, BLOCK, blocks.len(), &columns).await
}

async fn put(
    transaction: &Transaction<'_>,
    sql: &str,
    rows: usize,
    values: &[&(dyn ToSql + Sync)],
) -> Result<(), Failure> {
    if rows > 0 {
        let statement = transaction.prepare_cached(sql).await?;
        transaction.execute(&statement, values).await?;
    }
    Ok(())
}

const fn decision(decision: &Decision) -> &'static str {
    match decision {
        Decision::Admitted { .. } => "admitted",
        Decision::Duplicate { .. } | Decision::Repeat => "duplicate",
        Decision::Rejected { .. } => "rejected",
        Decision::Held { .. } => "held",
    }
}

fn reason(decision: &Decision) -> (Option<&str>, Option<&str>) {
    match decision {
        Decision::Rejected { code, field } | Decision::Held { code, field } => {
            (Some(code.as_str()), field.as_ref().map(|field| field.as_str()))
        }
        _ => (None, None),
    }
}
