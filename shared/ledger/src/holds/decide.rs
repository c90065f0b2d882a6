//! A decision: its row, the act, the line in the journal, what it does to the ledger and to the submission, all or nothing.

use deadpool_postgres::Transaction;
use domain::{
    AdmissionId, Code, Stage,
    clock::Clock,
    effect::{Kind, Said},
    hold::{Word, question},
    ports::StoreDown,
};
use jiff::Timestamp;
use tokio_postgres::Row;

use super::{Decided, HoldRow, NewDecision, Undecided, effect, list};
use crate::{
    Store,
    acts::{Outcome, What},
    admit::request,
    failure::Failure,
    read::{State, TRACE, Thread},
    text,
};

impl Store {
    /// Decides about what is held. What goes on is then to be published: see [`Store::releases`].
    ///
    /// # Errors
    /// [`Undecided`]: nothing changed.
    pub async fn decide(&self, decision: &NewDecision) -> Result<Decided, Undecided> {
        let mut connection = self.db.open().await.map_err(|_| StoreDown)?;
        let decide = async {
            let transaction = connection.transaction().await?;
            let decided = decided(&transaction, decision, self.clock.as_ref()).await?;
            if decided.is_ok() {
                transaction.commit().await?;
            }
            Ok(decided)
        };
        let done = self.db.within(decide).await;
        self.db.close(connection, done).map_err(|_| StoreDown)?
    }
}

/// What the decision takes along.
#[derive(Default)]
struct Taken {
    starts: Option<Timestamp>,
    others: Vec<String>,
    effect: Option<Kind>,
}

async fn decided(
    transaction: &Transaction<'_>,
    decision: &NewDecision,
    clock: &dyn Clock,
) -> Result<Result<Decided, Undecided>, Failure> {
    let (row, kept, thread) = match locked(transaction, decision.admission).await? {
        Ok(held) => held,
        Err(undecided) => return Ok(Err(undecided)),
    };
    let word = decision.verdict.word;
    if !question(row.code).answers.contains(&word) {
        return Ok(Err(Undecided::NotAllowed(row.code)));
    }
    if word != Word::Close && !kept {
        return Ok(Err(Undecided::OriginalGone));
    }
    let taken = match take(transaction, decision, &row, clock).await? {
        Ok(taken) => taken,
        Err(undecided) => return Ok(Err(undecided)),
    };
    let state = match (word, row.stage) {
        // Patient and visit are in the EHR: all that was asked for is there.
        (Word::Close, Stage::Notification) => State::Completed,
        (Word::Close, _) => State::Rejected,
        _ => State::InFlight,
    };
    let now = clock.now();
    let seq = note(transaction, decision, &row, &taken, now).await?;
    journal(transaction, decision, &row, state, now).await?;
    move_on(transaction, &row, state, taken.starts, now).await?;
    if state == State::Rejected {
        request::give_back(transaction, &[row.admission_id.as_uuid()]).await?;
    }
    if state == State::InFlight {
        const RELEASE: &str = "INSERT INTO hold_release (seq, admission_id) VALUES ($1, $2)";
        transaction.execute(RELEASE, &[&seq, &row.admission_id.as_uuid()]).await?;
    }
    Ok(Ok(Decided { row, state, effect: taken.effect, thread }))
}

/// What is held, locked, whether its original is kept, and by what it is found elsewhere.
async fn locked(
    transaction: &Transaction<'_>,
    admission: AdmissionId,
) -> Result<Result<(HoldRow, bool, Thread), Undecided>, Failure> {
    // Locked first, read then: whoever decided meanwhile is seen.
    const LOCK: &str = "SELECT state FROM submission WHERE admission_id = $1 FOR NO KEY UPDATE";
    let read = format!(
        "SELECT s.admission_id, s.correlation_id, {TRACE} AS trace_id, s.submission_id, s.clinic, h.stage, h.lane, h.code, h.field, h.since,
            s.appointment_at, EXISTS (SELECT FROM submission_body b WHERE b.admission_id = s.admission_id) AS kept
        FROM submission s JOIN held h USING (admission_id) WHERE s.admission_id = $1"
    );
    let id = admission.as_uuid();
    let Some(row) = transaction.query_opt(LOCK, &[&id]).await? else { return Ok(Err(Undecided::Unknown)) };
    if text::parse::<State>(row.try_get("state")?)? != State::Held {
        return Ok(Err(Undecided::NotHeld));
    }
    match transaction.query_opt(&read, &[&id]).await? {
        Some(row) => Ok(Ok((list::hold(&row)?, row.try_get("kept")?, Thread::read(&row)?))),
        // Admission holds it, and the hop is not committed yet.
        None => Ok(Err(Undecided::NotHeld)),
    }
}

/// What the word does to the ledger.
async fn take(
    transaction: &Transaction<'_>,
    decision: &NewDecision,
    row: &HoldRow,
    clock: &dyn Clock,
) -> Result<Result<Taken, Undecided>, Failure> {
    let names = decision.verdict.names.as_ref().map_or("", |names| names.as_str());
    let admission = row.admission_id;
    let mut taken = Taken::default();
    match decision.verdict.word {
        Word::SamePerson => {
            if !candidates(transaction, row).await?.iter().any(|one| one == names) {
                return Ok(Err(Undecided::NotOffered));
            }
        }
        Word::DifferentPerson => taken.others = candidates(transaction, row).await?,
        Word::Slot => {
            const SLOT: &str = "SELECT starts FROM hold_slot WHERE admission_id = $1 AND slot_id = $2";
            let found = transaction.query_opt(SLOT, &[&admission.as_uuid(), &names]).await?;
            let Some(found) = found else { return Ok(Err(Undecided::NotOffered)) };
            let starts: Timestamp = found.try_get("starts")?;
            // Offered long ago: nobody can come to it any more.
            if starts <= clock.now() {
                return Ok(Err(Undecided::NotOffered));
            }
            taken.starts = Some(starts);
        }
        // The ledger has no effect of a visit that a person books: the writer is told of it.
        Word::Done if row.code == Code::EhrCannotBook => {}
        word @ (Word::Done | Word::NotDone) => {
            let said = match word {
                Word::Done => Said::There { id: names.to_owned() },
                _ => Said::NotThere,
            };
            match effect::hear(transaction, admission, &said, row.since, clock).await? {
                Ok(kind) => taken.effect = Some(kind),
                Err(undecided) => return Ok(Err(undecided)),
            }
        }
        word @ (Word::Sent | Word::SendAgain) => {
            let state = if word == Word::Sent { "sent" } else { "ready" };
            if !message(transaction, admission, names, state, clock.now()).await? {
                return Ok(Err(Undecided::NotOffered));
            }
        }
        Word::ConsentGiven | Word::Again | Word::Close => {}
    }
    Ok(Ok(taken))
}

async fn candidates(transaction: &Transaction<'_>, row: &HoldRow) -> Result<Vec<String>, Failure> {
    const SQL: &str =
        "SELECT candidate FROM hold_candidate WHERE admission_id = $1 AND stage = $2 ORDER BY candidate";
    let rows = transaction.query(SQL, &[&row.admission_id.as_uuid(), &row.stage.as_str()]).await?;
    rows.iter().map(|row: &Row| Ok(row.try_get(0)?)).collect()
}

/// What the person says of a message whose sending is in doubt: of the channel that they name, or of the only one. `false`: they name none
/// of those in doubt, or none of several. If it has cleared itself up meanwhile there is nothing to say.
async fn message(
    transaction: &Transaction<'_>,
    admission: AdmissionId,
    channel: &str,
    state: &str,
    now: Timestamp,
) -> Result<bool, Failure> {
    const DOUBTS: &str = "SELECT channel FROM notification WHERE admission_id = $1 AND state = 'unknown'
        ORDER BY channel FOR UPDATE";
    const SQL: &str = "UPDATE notification SET state = $3, code = NULL, changed_at = $4
        WHERE admission_id = $1 AND channel = $2";
    let rows = transaction.query(DOUBTS, &[&admission.as_uuid()]).await?;
    let doubts: Vec<&str> = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    let one = match (channel, doubts.as_slice()) {
        ("", []) => return Ok(true),
        ("", [one]) => one,
        (named, doubts) if doubts.contains(&named) => named,
        _ => return Ok(false),
    };
    transaction.execute(SQL, &[&admission.as_uuid(), &one, &state, &now]).await?;
    Ok(true)
}

/// The decision's row and the act. Gives the decision's number.
async fn note(
    transaction: &Transaction<'_>,
    decision: &NewDecision,
    row: &HoldRow,
    taken: &Taken,
    now: Timestamp,
) -> Result<i64, Failure> {
    const DECISION: &str =
        "INSERT INTO hold_decision (at, admission_id, stage, code, field, decision, names, starts,
            others, actor, role, reason)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING seq";
    const ACT: &str = "INSERT INTO act (at, actor, role, what, outcome, scope, reason)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let NewDecision { verdict, actor, reason, .. } = decision;
    let names = verdict.names.as_ref().map(|names| names.as_str());
    let field = row.field.as_ref().map(|field| field.as_str());
    let (stage, code, word) = (row.stage.as_str(), row.code.as_str(), verdict.word.as_str());
    let (id, Taken { starts, others, .. }) = (row.admission_id.as_uuid(), taken);
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 12] =
        [&now, &id, &stage, &code, &field, &word, &names, starts, others, &actor.name, &actor.role, reason];
    let seq = transaction.query_one(DECISION, &values).await?.try_get("seq")?;
    let (what, outcome) = (What::Decided.as_str(), Outcome::Done.as_str());
    let scope = format!("admission:{}", row.admission_id);
    transaction.execute(ACT, &[&now, &actor.name, &actor.role, &what, &outcome, &scope, reason]).await?;
    Ok(seq)
}

/// The line of the timeline: who let it go on, or ended it.
async fn journal(
    transaction: &Transaction<'_>,
    decision: &NewDecision,
    row: &HoldRow,
    state: State,
    now: Timestamp,
) -> Result<(), Failure> {
    const SQL: &str = "INSERT INTO journal (at, started_at, admission_id, submission_id, clinic, correlation_id,
            message_id, stage, lane, event, state, code, field, attempt, actor)
        SELECT $2::timestamptz, $2, admission_id, submission_id, clinic, correlation_id, message_id, $3::text, $4::text,
            'decided', $5::text, $6::text, $7::text, 1, $8::text
        FROM submission WHERE admission_id = $1";
    let (stage, lane, code) = (row.stage.as_str(), row.lane.as_str(), row.code.as_str());
    let (state, field) = (state.as_str(), row.field.as_ref().map(|field| field.as_str()));
    let id = row.admission_id.as_uuid();
    transaction
        .execute(SQL, &[&id, &now, &stage, &lane, &state, &code, &field, &decision.actor.name])
        .await?;
    Ok(())
}

/// Where the submission stands then. It is no longer held by anybody.
async fn move_on(
    transaction: &Transaction<'_>,
    row: &HoldRow,
    state: State,
    starts: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), Failure> {
    const MOVE: &str = "UPDATE submission SET state = $2::text, stopped_by = NULL,
            code = CASE WHEN $2 = 'rejected' THEN code END, field = CASE WHEN $2 = 'rejected' THEN field END,
            settled_at = CASE WHEN $2 <> 'in_flight' THEN $3::timestamptz END,
            appointment_at = coalesce($4::timestamptz, appointment_at)
        WHERE admission_id = $1";
    const FREE: &str = "DELETE FROM held WHERE admission_id = $1";
    let id = row.admission_id.as_uuid();
    transaction.execute(MOVE, &[&id, &state.as_str(), &now, &starts]).await?;
    transaction.execute(FREE, &[&id]).await?;
    Ok(())
}
