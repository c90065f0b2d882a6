//! The edit that a letter is replayed with, and what an edit would come too late for.

use deadpool_postgres::Transaction;
use domain::{
    AdmissionId, ClinicId, Stage, SubmissionId,
    ids::{EditId, LetterId},
    ports::StoreDown,
};
use tokio_postgres::Row;
use uuid::Uuid;

use super::{Why, look};
use crate::{Store, failure::Failure, letters::LetterState, text};

/// A body in the place of a letter's, sealed.
pub struct NewBody {
    /// Its schema.
    pub schema: String,
    /// The envelope.
    pub body: Vec<u8>,
}

/// Opens the sealed edit of a letter; `None` if it cannot be opened.
pub type OpenEdit<'a> = dyn Fn(LetterId, &[u8]) -> Option<NewBody> + Send + Sync + 'a;

/// The edit of a letter that stands. Its values are sealed.
#[derive(Clone, PartialEq, Eq)]
pub struct Standing {
    /// The edit.
    pub id: EditId,
    /// A second person has not approved it yet.
    pub waits: bool,
    /// As it was given to [`Store::put_edit`].
    pub sealed: Vec<u8>,
}

/// A submission that was admitted, and its sealed original, if that is kept.
pub type Admitted = (AdmissionId, Option<Vec<u8>>);

/// What an edit of a letter has to respect.
#[derive(Clone, PartialEq, Eq)]
pub struct Ground {
    /// Where the letter stands.
    pub stands: LetterState,
    /// The stage that gave up.
    pub stage: Stage,
    /// The submission, if it was admitted.
    pub admitted: Option<Admitted>,
    /// The effects in force, and where each stands.
    pub effects: Vec<(String, String)>,
}

impl Store {
    /// What an edit of a letter has to respect, whose clinic and submission were found in it; `None`: there is no such letter.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn ground(
        &self,
        letter: LetterId,
        clinic: &ClinicId,
        submission: &SubmissionId,
    ) -> Result<Option<Ground>, StoreDown> {
        const EFFECTS: &str = "SELECT kind, state FROM ehr_op WHERE admission_id = $1 AND in_force";
        let sql = format!(
            "SELECT l.stage, s.admission_id, coalesce(b.corrected, b.sealed) AS original
            FROM dead_letter l
                LEFT JOIN LATERAL ({}) s ON s.decision = 'admitted'
                LEFT JOIN submission_body b ON b.admission_id = s.admission_id
            WHERE l.letter_id = $1",
            look::submission(
                "coalesce(l.clinic, $2)",
                "coalesce(l.submission_id, $3)",
                "s.admission_id, s.decision"
            )
        );
        let Some(stands) = self.where_they_stand(&[letter]).await?.first().and_then(|one| one.state) else {
            return Ok(None);
        };
        let rows = self.db.rows(&sql, &[&letter.as_uuid(), &clinic.as_str(), &submission.as_str()]).await?;
        let row = rows.first().ok_or(StoreDown)?;
        let (stage, admitted) = read(row).map_err(|_| StoreDown)?;
        let rows = match &admitted {
            Some((admission, _)) => self.db.rows(EFFECTS, &[&admission.as_uuid()]).await?,
            None => Vec::new(),
        };
        let effect = |row: &Row| Ok::<_, Failure>((row.try_get("kind")?, row.try_get("state")?));
        let effects: Result<_, Failure> = rows.iter().map(effect).collect();
        Ok(Some(Ground { stands, stage, admitted, effects: effects.map_err(|_| StoreDown)? }))
    }

    /// The edit of a letter that waits or is in force.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn standing_edit(&self, letter: LetterId) -> Result<Option<Standing>, StoreDown> {
        const SQL: &str = "SELECT edit_id, state = 'waiting' AS waits, sealed FROM letter_edit
            WHERE letter_id = $1 AND state IN ('waiting', 'in_force')";
        let standing = |row: &Row| {
            Ok::<_, Failure>(Standing {
                id: EditId::from_uuid(row.try_get("edit_id")?),
                waits: row.try_get("waits")?,
                sealed: row.try_get("sealed")?,
            })
        };
        let rows = self.db.rows(SQL, &[&letter.as_uuid()]).await?;
        rows.first().map(|row| standing(row).map_err(|_| StoreDown)).transpose()
    }
}

fn read(row: &Row) -> Result<(Stage, Option<Admitted>), Failure> {
    let (id, original) = (row.try_get::<_, Option<Uuid>>("admission_id")?, row.try_get("original")?);
    Ok((text::parse(row.try_get("stage")?)?, id.map(|id| (AdmissionId::from_uuid(id), original))))
}

/// With what a letter goes.
pub(super) enum Turn {
    /// As it died.
    AsItDied,
    /// With its edit.
    Edited(EditId, Vec<u8>),
    /// Not now.
    Not(Why),
}

/// The edit that a plan's letter goes with, once the letter is locked: read by a statement of its own, which sees what was committed while
/// the lock was waited for.
pub(super) async fn at_its_turn(
    transaction: &Transaction<'_>,
    letter: LetterId,
    admission: Option<Uuid>,
    planned: Option<Uuid>,
) -> Result<Turn, Failure> {
    const SQL: &str = "SELECT e.edit_id, e.state = 'waiting' AS waits, e.sealed,
            EXISTS (SELECT FROM ehr_op o WHERE o.admission_id = $2 AND o.in_force AND o.kind = ANY(e.effects)
                AND o.state NOT IN ('ready', 'rejected'))
            OR 'admission' = ANY(e.effects) AND EXISTS (SELECT FROM submission s WHERE s.admission_id = $2
                AND s.decision = 'admitted' AND NOT s.corrected) AS late
        FROM letter_edit e WHERE e.letter_id = $1 AND e.state IN ('waiting', 'in_force')";
    let statement = transaction.prepare_cached(SQL).await?;
    let Some(row) = transaction.query_opt(&statement, &[&letter.as_uuid(), &admission]).await? else {
        return Ok(if planned.is_some() { Turn::Not(Why::EditChanged) } else { Turn::AsItDied });
    };
    let id: Uuid = row.try_get("edit_id")?;
    Ok(if row.try_get("waits")? {
        Turn::Not(Why::EditWaits)
    } else if planned != Some(id) {
        Turn::Not(Why::EditChanged)
    } else if row.try_get("late")? {
        Turn::Not(Why::EditTooLate)
    } else {
        Turn::Edited(EditId::from_uuid(id), row.try_get("sealed")?)
    })
}

/// What goes on from its beginning some day goes on as it was corrected.
pub(super) async fn goes_on_corrected(
    transaction: &Transaction<'_>,
    admission: Uuid,
    edit: EditId,
) -> Result<(), Failure> {
    const BODY: &str = "UPDATE submission_body b SET corrected = e.original FROM letter_edit e
        WHERE b.admission_id = $1 AND e.edit_id = $2 AND e.original IS NOT NULL";
    const SUBMISSION: &str = "UPDATE submission SET corrected = true WHERE admission_id = $1";
    transaction.execute(BODY, &[&admission, &edit.as_uuid()]).await?;
    transaction.execute(SUBMISSION, &[&admission]).await?;
    Ok(())
}
