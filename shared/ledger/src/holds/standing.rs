//! What people decided, for the stages that follow it.

use domain::{
    AdmissionId, ClinicId, Code, FieldPath, PersonId, Stage, SubmissionId, hold::Word, ports::StoreDown,
};
use jiff::Timestamp;
use tokio_postgres::Row;

use crate::{Store, failure::Failure, text};

/// What people decided about one submission, as far as the EHR-writer follows it. Of each kind the last counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decisions {
    /// It does not go on: why it was held.
    pub closed: Option<Code>,
    /// The patient of the EHR who the person is.
    pub same: Option<String>,
    /// The patients of the EHR who the person is not.
    pub others: Vec<String>,
    /// The slot to book in place of the one that was asked for.
    pub slot: Option<Chosen>,
    /// The appointment that a person booked by hand.
    pub booked: Option<String>,
    /// When the write was given up that a person has not found in the EHR. It may land a while longer.
    pub given_up: Option<Timestamp>,
}

/// What people decided about who sent a submission that validation holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Persons {
    /// It is this one.
    pub same: Option<PersonId>,
    /// It is none of these.
    pub others: Vec<PersonId>,
}

/// A slot that a person chose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// The EHR's id.
    pub id: String,
    /// Its start.
    pub start: Timestamp,
}

impl Store {
    /// What people decided about what the EHR-writer held of one submission.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn decisions(&self, admission: AdmissionId) -> Result<Decisions, StoreDown> {
        const SQL: &str = "SELECT decision, code, names, starts, others FROM hold_decision
            WHERE admission_id = $1 AND stage = $2 ORDER BY seq";
        let stage = Stage::EhrWriter.as_str();
        let rows = self.db.rows(SQL, &[&admission.as_uuid(), &stage]).await?;
        let mut all = Decisions::default();
        let mut denied = false;
        for row in &rows {
            denied |= all.add(row).map_err(|_| StoreDown)? == Word::NotDone;
        }
        if denied {
            all.given_up = self.given_up(admission).await?;
        }
        Ok(all)
    }

    /// When the last write was given up of those that people have answered for: the submission's own, and what it shares with others.
    async fn given_up(&self, admission: AdmissionId) -> Result<Option<Timestamp>, StoreDown> {
        const SQL: &str =
            "SELECT max(a.at) AS at FROM ehr_op o JOIN ehr_attempt a USING (admission_id, op_id)
            WHERE NOT o.in_force AND o.state IN ('unknown', 'conflict', 'parked')
                AND a.event IN ('ambiguous', 'lapsed') AND o.op_id IN (
                    SELECT op_id FROM ehr_op WHERE admission_id = $1 AND NOT in_force
                    UNION SELECT s.owner_op FROM ehr_op m JOIN ehr_slot s USING (slot_id)
                    WHERE m.admission_id = $1 AND m.in_force)";
        let rows = self.db.rows(SQL, &[&admission.as_uuid()]).await?;
        rows.first().map_or(Ok(None), |row| row.try_get("at").map_err(|_| StoreDown))
    }

    /// The fields of a submission that a person has seen given on paper.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn consents(
        &self,
        clinic: &ClinicId,
        submission: &SubmissionId,
    ) -> Result<Vec<FieldPath>, StoreDown> {
        const SQL: &str =
            "SELECT DISTINCT d.field FROM submission s JOIN hold_decision d USING (admission_id)
            WHERE s.submission_id = $1 AND s.clinic = $2 AND NOT s.copy AND d.stage = $3 AND d.decision = $4
                AND d.field IS NOT NULL";
        let (stage, word) = (Stage::Validation.as_str(), Word::ConsentGiven.as_str());
        let rows = self.db.rows(SQL, &[&submission.as_str(), &clinic.as_str(), &stage, &word]).await?;
        let field = |row: &Row| Ok::<_, Failure>(FieldPath::from_template(row.try_get("field")?));
        rows.iter().map(|row| field(row).map_err(|_| StoreDown)).collect()
    }

    /// Who the person of a submission is and is not, if that is decided and the submission has not been admitted since.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn persons(&self, clinic: &ClinicId, submission: &SubmissionId) -> Result<Persons, StoreDown> {
        const SQL: &str =
            "SELECT d.decision, d.names, d.others FROM submission s JOIN hold_decision d USING (admission_id)
            WHERE s.submission_id = $1 AND s.clinic = $2 AND NOT s.copy AND s.decision = 'held' AND d.stage = $3
            ORDER BY d.seq";
        let stage = Stage::Validation.as_str();
        let rows = self.db.rows(SQL, &[&submission.as_str(), &clinic.as_str(), &stage]).await?;
        let mut all = Persons::default();
        for row in &rows {
            all.add(row).map_err(|_| StoreDown)?;
        }
        Ok(all)
    }
}

impl Persons {
    fn add(&mut self, row: &Row) -> Result<(), Failure> {
        let others: Vec<&str> = row.try_get("others")?;
        let others: Vec<PersonId> = others.into_iter().map(text::parse).collect::<Result<_, _>>()?;
        self.others.extend(others);
        match text::parse(row.try_get("decision")?)? {
            Word::SamePerson => self.same = text::parse_opt(row.try_get("names")?)?,
            Word::DifferentPerson => self.same = None,
            // Something else was decided: it says nothing about who it is.
            _ => {}
        }
        Ok(())
    }
}

impl Decisions {
    /// Gives the word.
    fn add(&mut self, row: &Row) -> Result<Word, Failure> {
        let names: Option<String> = row.try_get("names")?;
        let code: Code = text::parse(row.try_get("code")?)?;
        let word = text::parse(row.try_get("decision")?)?;
        match (word, names) {
            (Word::Close, _) => self.closed = Some(code),
            (Word::SamePerson, same) => self.same = same,
            (Word::DifferentPerson, _) => self.others.extend(row.try_get::<_, Vec<String>>("others")?),
            (Word::Slot, Some(id)) => {
                let start = row.try_get::<_, Option<_>>("starts")?.ok_or(Failure::Data)?;
                self.slot = Some(Chosen { id, start });
            }
            (Word::Done, booked) if code == Code::EhrCannotBook => self.booked = booked,
            _ => {}
        }
        Ok(word)
    }
}
