//! What is known already.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use deadpool_postgres::Transaction;
use domain::{
    AdmissionId, FieldPath, MessageId, PersonId, Stage, SubmissionId, blind::BlindIndex, hold::Word,
};
use tokio_postgres::Row;
use uuid::Uuid;

use super::{
    Decision,
    batch::Item,
    decide::{Freed, Key, News, Row as Known},
    people::{Found, People},
};
use crate::{failure::Failure, text};

/// The rows of these submissions, copies too.
pub(super) async fn admitted(
    transaction: &Transaction<'_>,
    items: &[Item],
) -> Result<Vec<Known<'static>>, Failure> {
    // The first and its copies each have an index of their own; asked for together, neither would serve.
    const SQL: &str =
        "SELECT s.admission_id, s.clinic, s.submission_id, s.copy, s.content, s.message_id, s.decision,
            s.decision_code, s.decision_field, s.person_id, s.new_person, s.duplicate_of, s.corrected,
            s.state = 'in_flight' AS open,
            s.decision = 'admitted' AND NOT EXISTS (SELECT FROM request r WHERE r.clinic = s.clinic
                AND r.person_id = s.person_id AND r.admission_id = s.admission_id) AS given_back,
            d.word,
            (SELECT CASE e.decision WHEN $4 THEN e.names END FROM hold_decision e
                WHERE d.word IS NOT NULL AND e.admission_id = s.admission_id AND e.stage = $3
                    AND e.decision IN ($4, $5) ORDER BY e.seq DESC LIMIT 1) AS same,
            ARRAY(SELECT other FROM hold_decision e, unnest(e.others) AS other
                WHERE d.word IS NOT NULL AND e.admission_id = s.admission_id AND e.stage = $3) AS others
        FROM (SELECT DISTINCT * FROM unnest($1::text[], $2::text[]) AS u (submission_id, clinic)) u
        CROSS JOIN LATERAL (SELECT * FROM submission o WHERE o.submission_id = u.submission_id AND o.clinic = u.clinic AND NOT o.copy
            UNION ALL SELECT * FROM submission o WHERE o.submission_id = u.submission_id AND o.clinic = u.clinic AND o.copy) s
        LEFT JOIN LATERAL (SELECT decision AS word FROM hold_decision
            WHERE s.decision = 'held' AND admission_id = s.admission_id AND stage = $3 AND code = s.decision_code
            ORDER BY seq DESC LIMIT 1) d ON true";
    let submissions: Vec<_> = items.iter().map(|item| item.request.submission.as_str()).collect();
    let clinics: Vec<_> = items.iter().map(|item| item.request.clinic.as_str()).collect();
    let statement = transaction.prepare_cached(SQL).await?;
    let by = Stage::Validation.as_str();
    let (same, other) = (Word::SamePerson.as_str(), Word::DifferentPerson.as_str());
    let rows = transaction.query(&statement, &[&submissions, &clinics, &by, &same, &other]).await?;
    let mut known = rows.iter().map(known).collect::<Result<Vec<_>, _>>()?;
    let ended: Vec<Uuid> = known.iter().filter(|row| !row.open).map(|row| row.admission.as_uuid()).collect();
    if !ended.is_empty() {
        let answered = answered(transaction, &ended).await?;
        for row in known.iter_mut().filter(|row| !row.open) {
            row.open = !answered.contains(&row.admission.as_uuid());
        }
    }
    Ok(known)
}

/// Those of some admissions of whose answer the journal knows. Asked by itself, and only of what was sent again after it had ended: a plan for all
/// months of the journal takes longer than the rest of the admission's together.
async fn answered(transaction: &Transaction<'_>, admissions: &[Uuid]) -> Result<HashSet<Uuid>, Failure> {
    const SQL: &str = "SELECT DISTINCT admission_id FROM journal WHERE admission_id = ANY ($1)";
    let statement = transaction.prepare_cached(SQL).await?;
    let rows = transaction.query(&statement, &[&admissions]).await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// What a person decided about what validation holds.
fn freed(row: &Row) -> Result<Option<Freed>, Failure> {
    let Some(word) = text::parse_opt::<Word>(row.try_get("word")?)? else { return Ok(None) };
    let others: Vec<&str> = row.try_get("others")?;
    let others = others.into_iter().map(text::parse).collect::<Result<_, _>>()?;
    Ok(Some(match word {
        Word::Close => Freed::Closed,
        // Who the person is was perhaps decided before something else was.
        _ => Freed::Open { same: text::parse_opt(row.try_get("same")?)?, others },
    }))
}

fn known(row: &Row) -> Result<Known<'static>, Failure> {
    let code = text::code(row, "decision_code")?;
    let field: Option<FieldPath> = text::field(row, "decision_field")?;
    let decision = match (row.try_get("decision")?, code) {
        ("admitted", _) => Decision::Admitted {
            person: text::person(row, "person_id")?.ok_or(Failure::Data)?,
            new_person: row.try_get("new_person")?,
        },
        ("duplicate", _) => {
            Decision::Duplicate { of: text::parse_opt(row.try_get("duplicate_of")?)?.ok_or(Failure::Data)? }
        }
        ("rejected", Some(code)) => Decision::Rejected { code, field },
        ("held", Some(code)) => Decision::Held { code, field },
        _ => return Err(Failure::Data),
    };
    Ok(Known {
        admission: text::admission(row, "admission_id")?,
        key: Key { clinic: text::clinic(row)?, submission: text::submission(row)? },
        copy: row.try_get("copy")?,
        content: row.try_get("content")?,
        message: MessageId::from_uuid(row.try_get("message_id")?),
        corrected: row.try_get("corrected")?,
        decision,
        person: text::person(row, "person_id")?,
        open: row.try_get("open")?,
        given_back: row.try_get("given_back")?,
        freed: freed(row)?,
        source: None,
    })
}

/// Everybody who shares a key with one of the new ones; of each at most so many, those that share the most keys.
pub(super) async fn people(
    transaction: &Transaction<'_>,
    news: &[News<'_>],
    at_most: usize,
) -> Result<People, Failure> {
    const BLOCKS: &str = "SELECT w.nth, b.person_id, count(*) AS shared
        FROM unnest($1::int[], $2::text[], $3::bytea[]) AS w (nth, clinic, block)
        JOIN person_block b USING (clinic, block)
        GROUP BY w.nth, b.person_id ORDER BY w.nth, shared DESC, b.person_id";
    const RECORDS: &str = "SELECT person_id, sealed FROM person_record WHERE person_id = ANY($1) ORDER BY person_id, admission_id";
    let (mut nths, mut clinics, mut blocks) = (Vec::new(), Vec::new(), Vec::new());
    for (nth, new) in (0_i32..).zip(news) {
        for block in new.blocks() {
            nths.push(nth);
            clinics.push(new.request.clinic.as_str());
            blocks.push(block);
        }
    }
    let mut people = People::new(news.len(), at_most);
    if blocks.is_empty() {
        return Ok(people);
    }
    let blocks: Vec<&[u8]> = blocks.iter().map(|block| block.as_bytes().as_slice()).collect();
    let statement = transaction.prepare_cached(BLOCKS).await?;
    for row in transaction.query(&statement, &[&nths, &clinics, &blocks]).await? {
        let nth = usize::try_from(row.try_get::<_, i32>("nth")?).map_err(|_| Failure::Data)?;
        let person = text::person(&row, "person_id")?.ok_or(Failure::Data)?;
        let shared = usize::try_from(row.try_get::<_, i64>("shared")?).map_err(|_| Failure::Data)?;
        people.shares(nth, person, shared);
    }
    let wanted: Vec<Uuid> = people.wanted();
    if !wanted.is_empty() {
        let statement = transaction.prepare_cached(RECORDS).await?;
        for row in transaction.query(&statement, &[&wanted]).await? {
            let person = text::person(&row, "person_id")?.ok_or(Failure::Data)?;
            people.knows(person, Arc::from(row.try_get::<_, &[u8]>("sealed")?));
        }
    }
    Ok(people)
}

/// Which requests of these persons were admitted before, and by which submission.
pub(super) type Requests = HashMap<(PersonId, [u8; 32]), (AdmissionId, SubmissionId)>;

/// Looks the requests of known persons up.
pub(super) async fn requests(
    transaction: &Transaction<'_>,
    news: &[News<'_>],
    found: &[Found],
) -> Result<Requests, Failure> {
    const SQL: &str = "SELECT r.person_id, r.request, r.admission_id, r.submission_id
        FROM unnest($1::text[], $2::uuid[], $3::bytea[]) AS w (clinic, person_id, request)
        JOIN request r USING (clinic, person_id, request)";
    let asked: Vec<(&News<'_>, PersonId, &BlindIndex)> = news
        .iter()
        .zip(found)
        .filter_map(|(new, found)| match found {
            Found::Same(person) => Some((new, *person, &new.wanted.request)),
            _ => None,
        })
        .collect();
    if asked.is_empty() {
        return Ok(Requests::new());
    }
    let statement = transaction.prepare_cached(SQL).await?;
    let columns = crate::columns::columns![asked;
        |(new, ..)| new.request.clinic.as_str(),
        |(_, person, _)| person.as_uuid(),
        |(_, _, request)| request.as_bytes().as_slice(),
    ];
    let rows = transaction.query(&statement, &columns).await?;
    rows.iter()
        .map(|row| {
            let person = text::person(row, "person_id")?.ok_or(Failure::Data)?;
            let request = row.try_get::<_, &[u8]>("request")?.try_into().map_err(|_| Failure::Data)?;
            Ok(((person, request), (text::admission(row, "admission_id")?, text::submission(row)?)))
        })
        .collect()
}
