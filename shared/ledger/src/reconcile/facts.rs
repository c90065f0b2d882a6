//! What the ledger brings to a reconciliation.

use std::collections::BTreeMap;

use domain::{
    AdmissionId, ClinicId, effect,
    ids::{LetterId, SourceName},
    ports::StoreDown,
    reconcile::{Day, Difference, Key, Kind, Open, Origin, Standing, Written},
};
use jiff::Timestamp;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::{
    Store,
    failure::Failure,
    letters::{STATE, lies_dead, put_aside},
    read::State,
    text,
};

/// Whether something of a submission `s` is in doubt and nobody works on it; `$1` is now.
const IN_DOUBT: &str = "(EXISTS (SELECT FROM ehr_op o WHERE o.admission_id = s.admission_id AND o.in_force
            AND (o.state IN ('unknown', 'conflict', 'parked') OR (o.state = 'intent' AND o.lease_until < $1)))
        OR EXISTS (SELECT FROM notification n WHERE n.admission_id = s.admission_id
            AND (n.state = 'unknown' OR (n.state = 'intent' AND n.lease_until < $1))))";
/// Whether a dead letter was replayed, and neither its plan nor any submission tells what came of it.
const NOWHERE: &str = "EXISTS (SELECT FROM plan_item i WHERE i.plan_id = dead_letter.plan_id
        AND i.letter_id = dead_letter.letter_id AND i.outcome IS NULL
        AND NOT EXISTS (SELECT FROM submission s WHERE NOT s.copy
            AND s.submission_id = coalesce(dead_letter.submission_id, i.submission_id)
            AND s.clinic = coalesce(dead_letter.clinic, i.clinic)
            AND s.message_id = coalesce(dead_letter.message_id, dead_letter.letter_id)))";
const ANSWERED: &str = "EXISTS (SELECT FROM journal j WHERE j.admission_id = s.admission_id)";
/// Whether a person has closed a submission `s`, whatever is in doubt of it.
const CLOSED: &str =
    "EXISTS (SELECT FROM hold_decision d WHERE d.admission_id = s.admission_id AND d.decision = 'close')";
const COLUMNS: &str = "s.admission_id, s.submission_id, s.clinic, s.code, s.received_at, s.settled_at";

impl Store {
    /// How many submissions, refused copies included, came from each source on a day.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn admitted_by_source(
        &self,
        clinic: &ClinicId,
        day: Day,
    ) -> Result<BTreeMap<SourceName, u64>, StoreDown> {
        const SQL: &str = "SELECT source, count(*) AS n FROM submission
            WHERE clinic = $1 AND received_at >= $2 AND received_at < $3 GROUP BY 1";
        let rows = self.db.rows(SQL, &[&clinic.as_str(), &day.from, &day.until]).await?;
        let one = |row: &Row| Ok::<_, Failure>((text::parse(row.try_get("source")?)?, number(row, "n")?));
        rows.iter().map(one).collect::<Result<_, _>>().map_err(|_| StoreDown)
    }

    /// The patients, coverages and appointments of a day's submissions that are done, in the order of admission; not what was done after
    /// `before`, which a search may not show yet. `ehr` is the name of the clinic's EHR.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn written(
        &self,
        (clinic, ehr): (&ClinicId, &str),
        day: Day,
        before: Timestamp,
    ) -> Result<Vec<Written>, StoreDown> {
        const SQL: &str = "SELECT o.kind, encode(o.idempotency, 'hex') AS identifier, o.resource_id, o.changed_at,
                s.admission_id, s.submission_id, s.clinic
            FROM submission s JOIN ehr_op o USING (admission_id)
            WHERE s.clinic = $1 AND s.received_at >= $2 AND s.received_at < $3 AND o.in_force AND o.state = 'done'
                AND o.kind IN ('patient', 'coverage', 'appointment') AND o.changed_at < $4
            ORDER BY s.seq, o.kind";
        let rows = self.db.rows(SQL, &[&clinic.as_str(), &day.from, &day.until, &before]).await?;
        let one = |row: &Row| {
            Ok::<_, Failure>(Written {
                key: Key {
                    ehr: ehr.to_owned(),
                    what: text::parse(row.try_get("kind")?)?,
                    identifier: row.try_get("identifier")?,
                },
                resource: row.try_get("resource_id")?,
                origin: origin(row)?,
            })
        };
        rows.iter().map(|row| one(row).map_err(|_| StoreDown)).collect()
    }

    /// Whose writes some identifiers are, by kind and identifier (lower-case hexadecimal): the first write of each, unless all that the
    /// ledger knows of it is that nothing of it is in the EHR.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn origins(
        &self,
        identifiers: &[String],
    ) -> Result<BTreeMap<(effect::Kind, String), Origin>, StoreDown> {
        // By bytes, so that the index serves; a text that is no hexadecimal was not written by us.
        const SQL: &str =
            "SELECT DISTINCT ON (o.kind, o.idempotency) o.kind, encode(o.idempotency, 'hex') AS identifier,
                o.changed_at, s.admission_id, s.submission_id, s.clinic
            FROM ehr_op o JOIN submission s USING (admission_id)
            WHERE o.idempotency = ANY ($1::bytea[]) AND o.state NOT IN ('ready', 'rejected')
            ORDER BY o.kind, o.idempotency, o.seq";
        let bytes: Vec<Vec<u8>> = identifiers.iter().filter_map(|text| bytes(text)).collect();
        if bytes.is_empty() {
            return Ok(BTreeMap::new());
        }
        let rows = self.db.rows(SQL, &[&bytes]).await?;
        let one = |row: &Row| {
            let key = (text::parse(row.try_get("kind")?)?, row.try_get("identifier")?);
            Ok::<_, Failure>((key, origin(row)?))
        };
        rows.iter().map(|row| one(row).map_err(|_| StoreDown)).collect()
    }

    /// A clinic's submissions, received before a moment, that are on their way, held or dead, oldest first, `limit` at most. What the broker
    /// gave up is dead, too. Not told is what is dead and was archived or discarded by people, unless something of it is in doubt.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn open(
        &self,
        clinic: &ClinicId,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<Open>, StoreDown> {
        let (lies_dead, put_aside) = (lies_dead(), put_aside());
        // Two parts, so that each has its index.
        let sql = format!(
            "SELECT {COLUMNS}, s.stands, {IN_DOUBT} AS in_doubt, {ANSWERED} AS answered FROM (
                SELECT s.*, CASE WHEN {lies_dead} THEN 'dead' ELSE s.state END AS stands FROM submission s
                WHERE s.state = 'in_flight' AND s.clinic = $2 AND s.received_at < $3
                    AND ({IN_DOUBT} OR NOT ({lies_dead} AND {put_aside}))
                UNION ALL
                SELECT s.*, s.state AS stands FROM submission s
                WHERE s.state IN ('held', 'dead') AND s.clinic = $2 AND s.received_at < $3
                    AND (s.state = 'held' OR {IN_DOUBT} OR NOT {put_aside})
                ORDER BY received_at LIMIT $4) s ORDER BY s.received_at, s.seq"
        );
        let now = self.clock.now();
        let rows = self.db.rows(&sql, &[&now, &clinic.as_str(), &until, &i64::from(limit)]).await?;
        rows.iter().map(|row| opened(row).map_err(|_| StoreDown)).collect()
    }

    /// A day's submissions that ended, and of which something is in doubt that no person has closed, or whose answer the journal does not
    /// know.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn ended_oddly(&self, clinic: &ClinicId, day: Day) -> Result<Vec<Open>, StoreDown> {
        let sql = format!(
            "SELECT * FROM (SELECT {COLUMNS}, s.state AS stands, s.seq, {IN_DOUBT} AND NOT {CLOSED} AS in_doubt,
                    {ANSWERED} AS answered FROM submission s
                WHERE s.state IN ('completed', 'duplicate', 'rejected') AND s.clinic = $2
                    AND s.received_at >= $3 AND s.received_at < $4) s
            WHERE s.in_doubt OR NOT s.answered ORDER BY s.seq"
        );
        let now = self.clock.now();
        let rows = self.db.rows(&sql, &[&now, &clinic.as_str(), &day.from, &day.until]).await?;
        rows.iter().map(|row| opened(row).map_err(|_| StoreDown)).collect()
    }

    /// Differences for what died before it was admitted, and is of no submission: a dead letter each that is still open, or that was replayed
    /// before `late` and of which nothing was heard since; and each that died within the time but was not collected before `late`. Of one
    /// clinic, or of all and of none.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn died_unread(
        &self,
        clinic: Option<&ClinicId>,
        within: Day,
        late: Timestamp,
    ) -> Result<Vec<Difference>, StoreDown> {
        let letters = format!(
            "SELECT letter_id, clinic, code, died_at AS at FROM dead_letter
            WHERE admission_id IS NULL AND ($1::text IS NULL OR clinic = $1) AND died_at < $2
                AND (state = 'open' AND {STATE} = 'open' OR state = 'replayed' AND state_at < $3 AND {NOWHERE})
            ORDER BY died_at, letter_id"
        );
        const UNCOLLECTED: &str =
            "SELECT DISTINCT ON (j.message_id) NULL::uuid AS letter_id, j.clinic, j.code, j.at FROM journal j
            WHERE j.event = 'died' AND j.admission_id IS NULL AND ($1::text IS NULL OR j.clinic = $1)
                AND j.at >= $2 AND j.at < $3 AND j.at < $4
                AND NOT EXISTS (SELECT FROM dead_letter d WHERE d.message_id = j.message_id)
            ORDER BY j.message_id, j.seq";
        let clinic = clinic.map(ClinicId::as_str);
        let letters = self.db.rows(&letters, &[&clinic, &within.until, &late]).await?;
        let missing = self.db.rows(UNCOLLECTED, &[&clinic, &within.from, &within.until, &late]).await?;
        letters.iter().chain(&missing).map(|row| unread(row).map_err(|_| StoreDown)).collect()
    }
}

fn unread(row: &Row) -> Result<Difference, Failure> {
    let letter: Option<Uuid> = row.try_get("letter_id")?;
    let kind = if letter.is_some() { Kind::Dead } else { Kind::Lost };
    Ok(Difference {
        clinic_id: text::parse_opt(row.try_get("clinic")?)?,
        letter_id: letter.map(LetterId::from_uuid),
        code: text::code(row, "code")?,
        since: Some(row.try_get("at")?),
        ..Difference::of(kind)
    })
}

fn opened(row: &Row) -> Result<Open, Failure> {
    let standing = match text::parse::<State>(row.try_get("stands")?)? {
        State::InFlight => Standing::InFlight,
        State::Held => Standing::Held,
        State::Dead => Standing::Dead,
        State::Completed | State::Duplicate | State::Rejected => Standing::Ended,
    };
    Ok(Open {
        admission: text::admission(row, "admission_id")?,
        submission: text::submission(row)?,
        clinic: text::clinic(row)?,
        standing,
        code: text::code(row, "code")?,
        in_doubt: row.try_get("in_doubt")?,
        answered: row.try_get("answered")?,
        received_at: row.try_get("received_at")?,
        settled_at: row.try_get("settled_at")?,
    })
}

fn origin(row: &Row) -> Result<Origin, Failure> {
    let admission: AdmissionId = text::admission(row, "admission_id")?;
    Ok(Origin {
        clinic: text::clinic(row)?,
        admission,
        submission: text::submission(row)?,
        at: row.try_get("changed_at")?,
    })
}

/// The bytes of lower-case hexadecimal.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let pair = |pair: &[u8]| match pair {
        [high, low] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    };
    text.as_bytes().chunks(2).map(pair).collect()
}

pub(super) fn number(row: &Row, column: &str) -> Result<u64, Failure> {
    u64::try_from(row.try_get::<_, i64>(column)?).map_err(|_| Failure::Data)
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn only_our_own_spelling_is_read() {
        assert_eq!(bytes("00ff1a"), Some(vec![0, 255, 26]));
        assert_eq!((bytes("0"), bytes("0F"), bytes("zelda1"), bytes("é")), (None, None, None, None));
    }
}
