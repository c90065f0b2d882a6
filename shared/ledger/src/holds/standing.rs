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
        for row in &rows {
            all.add(row).map_err(|_| StoreDown)?;
        }
        Ok(all)
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
        self.same = match text::parse(row.try_get("decision")?)? {
            Word::SamePerson => text::parse_opt(row.try_get("names")?)?,
            _ => None,
        };
        Ok(())
    }
}

impl Decisions {
    fn add(&mut self, row: &Row) -> Result<(), Failure> {
        let names: Option<String> = row.try_get("names")?;
        let code: Code = text::parse(row.try_get("code")?)?;
        match (text::parse(row.try_get("decision")?)?, names) {
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
        Ok(())
    }
}
