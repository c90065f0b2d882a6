//! What the ledger knows about a dead letter, without changing anything.

use std::sync::Arc;

use domain::{
    AdmissionId, ClinicId, MessageId, PersonId, SubmissionId, blind::BlindIndex, ids::LetterId,
    ports::StoreDown,
};
use tokio_postgres::Row;

use crate::{Store, admit::Candidate, failure::Failure, read::State, text};

/// What the ledger knows about the submission of a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Knows {
    /// Where it stands; `None`: it was not admitted.
    pub state: Option<State>,
    /// Whether it is unknown of one of its effects if it was done.
    pub in_doubt: bool,
}

/// A submission that was admitted under the identifier of a letter's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Its row.
    pub admission: AdmissionId,
    /// Where it stands.
    pub state: State,
    /// The message that brought it.
    pub message: MessageId,
    /// Keyed hash of its content.
    pub content: Vec<u8>,
}

/// The submission `s` of a letter `l`: by its admission, or by the message that brought it. Takes the clinic's and the submission's
/// columns, which may be the letter's or what a dry run found in it.
pub(super) fn submission(clinic: &str, id: &str, columns: &str) -> String {
    let by_message = format!(
        "l.admission_id IS NULL AND s.submission_id = {id} AND s.clinic = {clinic}
            AND s.message_id = coalesce(l.message_id, l.letter_id)"
    );
    format!(
        "SELECT {columns} FROM submission s WHERE s.admission_id = l.admission_id
        UNION ALL SELECT {columns} FROM submission s WHERE NOT s.copy AND {by_message}
        UNION ALL SELECT {columns} FROM submission s WHERE s.copy AND {by_message} LIMIT 1"
    )
}

/// Whether the line may still be at one of the effects of the admission of `s` or of `l`, or at one of its messages to the patient if `l` died there.
///
/// What the EHR-writer itself died of may go to it again once its lease has run down, and a quarter of an hour after an outcome was given
/// up: the writer answers for its own effects by a search or by asking a person, never by a second write. So does notification, by asking.
pub(super) const IN_DOUBT: &str =
    "EXISTS (SELECT FROM ehr_op o WHERE o.admission_id = coalesce(s.admission_id, l.admission_id) AND o.in_force
        AND CASE o.state
        WHEN 'intent' THEN l.stage <> 'ehr-writer' OR coalesce(o.lease_until > now(), true)
        WHEN 'unknown' THEN l.stage <> 'ehr-writer'
            OR coalesce(o.unknown_since > now() - interval '15 minutes', true)
        WHEN 'conflict' THEN l.stage <> 'ehr-writer'
        WHEN 'parked' THEN l.stage <> 'ehr-writer'
        ELSE false END)
    OR l.stage = 'notification' AND EXISTS (SELECT FROM notification n WHERE n.admission_id = coalesce(s.admission_id, l.admission_id)
        AND n.state = 'intent' AND coalesce(n.lease_until > now(), true))";

impl Store {
    /// What is known of the submission of a letter.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn knows(&self, letter: LetterId) -> Result<Knows, StoreDown> {
        let sql = format!(
            "SELECT s.state, ({IN_DOUBT}) AS in_doubt FROM dead_letter l LEFT JOIN LATERAL ({}) s ON true
            WHERE l.letter_id = $1",
            submission("l.clinic", "l.submission_id", "s.admission_id, s.state")
        );
        let rows = self.db.rows(&sql, &[&letter.as_uuid()]).await?;
        let knows = |row: &Row| {
            Ok::<_, Failure>(Knows {
                state: text::parse_opt(row.try_get("state")?)?,
                in_doubt: row.try_get("in_doubt")?,
            })
        };
        rows.first().ok_or(StoreDown).and_then(|row| knows(row).map_err(|_| StoreDown))
    }

    /// All that was admitted under a submission's identifier: the first, and refused copies.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn known(&self, clinic: &ClinicId, submission: &SubmissionId) -> Result<Vec<Known>, StoreDown> {
        const COLUMNS: &str = "SELECT admission_id, state, message_id, content FROM submission
            WHERE submission_id = $1 AND clinic = $2";
        let sql = format!("{COLUMNS} AND NOT copy UNION ALL {COLUMNS} AND copy");
        let known = |row: &Row| {
            Ok::<_, Failure>(Known {
                admission: text::admission(row, "admission_id")?,
                state: text::parse(row.try_get("state")?)?,
                message: MessageId::from_uuid(row.try_get("message_id")?),
                content: row.try_get("content")?,
            })
        };
        let rows = self.db.rows(&sql, &[&submission.as_str(), &clinic.as_str()]).await?;
        rows.iter().map(|row| known(row).map_err(|_| StoreDown)).collect()
    }

    /// The records of the persons of a clinic who share a key with somebody; those that share the most first, and so many persons at most.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn candidates(
        &self,
        clinic: &ClinicId,
        blocks: &[BlindIndex],
        most: u32,
    ) -> Result<Vec<Candidate>, StoreDown> {
        const SQL: &str = "SELECT r.person_id, r.sealed FROM (
                SELECT b.person_id, count(*) AS shared FROM unnest($2::bytea[]) AS w (block)
                JOIN person_block b ON b.clinic = $1 AND b.block = w.block
                GROUP BY b.person_id ORDER BY shared DESC, b.person_id LIMIT $3) p
            JOIN person_record r USING (person_id) ORDER BY p.shared DESC, r.person_id, r.admission_id";
        let mut blocks: Vec<&[u8]> = blocks.iter().map(|block| block.as_bytes().as_slice()).collect();
        blocks.sort_unstable();
        blocks.dedup();
        let candidate = |row: &Row| {
            Ok::<_, Failure>(Candidate {
                person: text::person(row, "person_id")?.ok_or(Failure::Data)?,
                sealed: Arc::from(row.try_get::<_, &[u8]>("sealed")?),
            })
        };
        let rows = self.db.rows(SQL, &[&clinic.as_str(), &blocks, &i64::from(most)]).await?;
        rows.iter().map(|row| candidate(row).map_err(|_| StoreDown)).collect()
    }

    /// Whether the EHR is known to have the patient of a person.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn has_patient(&self, clinic: &ClinicId, person: PersonId) -> Result<bool, StoreDown> {
        const SQL: &str = "SELECT 1 FROM ehr_slot
            WHERE clinic = $1 AND person_id = $2 AND kind = 'patient' AND resource_id IS NOT NULL LIMIT 1";
        Ok(!self.db.rows(SQL, &[&clinic.as_str(), &person.as_uuid()]).await?.is_empty())
    }

    /// Where the submission stands that brought a person's request before, if one other than this did.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn requested(
        &self,
        clinic: &ClinicId,
        person: PersonId,
        request: &BlindIndex,
        by: &SubmissionId,
    ) -> Result<Option<State>, StoreDown> {
        const SQL: &str = "SELECT s.state FROM request r JOIN submission s USING (admission_id)
            WHERE r.clinic = $1 AND r.person_id = $2 AND r.request = $3 AND r.submission_id <> $4 LIMIT 1";
        let request = request.as_bytes().as_slice();
        let rows = self.db.rows(SQL, &[&clinic.as_str(), &person.as_uuid(), &request, &by.as_str()]).await?;
        let state = |row: &Row| text::parse(row.try_get("state")?);
        rows.first().map(|row| state(row).map_err(|_: Failure| StoreDown)).transpose()
    }
}
