//! Where one submission stands, and which stay long.

use std::{fmt, str::FromStr};

use domain::{
    AdmissionId, ClinicId, Code, CorrelationId, FieldPath, PersonId, SubmissionId,
    messages::EligibilityStatus,
};
use jiff::Timestamp;
use tokio_postgres::Row;
use uuid::Uuid;

use domain::ports::StoreDown;

use crate::{Store, failure::Failure, text};

/// The state that a submission is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// On its way.
    InFlight,
    /// In the EHR, and told.
    Completed,
    /// The same request was made before.
    Duplicate,
    /// The sender must change something.
    Rejected,
    /// A person decides.
    Held,
    /// To be replayed, edited or discarded.
    Dead,
}

impl State {
    /// In the order of reports.
    pub const ALL: [Self; 6] =
        [Self::InFlight, Self::Completed, Self::Duplicate, Self::Rejected, Self::Held, Self::Dead];

    /// The name in rows and reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InFlight => "in_flight",
            Self::Completed => "completed",
            Self::Duplicate => "duplicate",
            Self::Rejected => "rejected",
            Self::Held => "held",
            Self::Dead => "dead",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for State {
    type Err = UnknownState;
    fn from_str(text: &str) -> Result<Self, UnknownState> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or(UnknownState)
    }
}

/// The text names no state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a state: in_flight, completed, duplicate, rejected, held or dead")]
pub struct UnknownState;

/// Where one submission stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Its row.
    pub admission: AdmissionId,
    /// The sender's identifier.
    pub submission: SubmissionId,
    /// The clinic.
    pub clinic: ClinicId,
    /// Whether it is a refused copy with other content.
    pub copy: bool,
    /// The correlation id.
    pub correlation: CorrelationId,
    /// When the sender says it was made.
    pub submitted_at: Timestamp,
    /// When we first saw it.
    pub received_at: Timestamp,
    /// When it came to where it stands; `None` in flight.
    pub settled_at: Option<Timestamp>,
    /// Whose it is.
    pub person: Option<PersonId>,
    /// Which it repeats.
    pub duplicate_of: Option<SubmissionId>,
    /// Where it stands.
    pub state: State,
    /// Why.
    pub code: Option<Code>,
    /// Where in the intake.
    pub field: Option<FieldPath>,
    /// What the payer said.
    pub eligibility: Option<EligibilityStatus>,
    /// The EHR's patient.
    pub patient: Option<String>,
    /// The EHR's appointment.
    pub appointment: Option<String>,
    /// Channels over which the patient was told; `None`: not settled.
    pub notified: Option<Vec<String>>,
}

/// A submission that has been in flight for long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Late {
    /// Its row.
    pub admission: AdmissionId,
    /// The sender's identifier.
    pub submission: SubmissionId,
    /// The clinic.
    pub clinic: ClinicId,
    /// When we first saw it.
    pub received_at: Timestamp,
}

pub(crate) const COLUMNS: &str = "s.seq, s.admission_id, s.submission_id, s.clinic, s.copy, s.correlation_id, s.submitted_at,
    s.received_at, s.settled_at, s.person_id, s.duplicate_of, s.state, s.code, s.field, s.eligibility, s.patient,
    s.appointment, s.notified";

pub(crate) fn status(row: &Row) -> Result<Status, Failure> {
    Ok(Status {
        admission: text::admission(row, "admission_id")?,
        submission: text::submission(row)?,
        clinic: text::clinic(row)?,
        copy: row.try_get("copy")?,
        correlation: CorrelationId::from_uuid(row.try_get::<_, Uuid>("correlation_id")?),
        submitted_at: row.try_get("submitted_at")?,
        received_at: row.try_get("received_at")?,
        settled_at: row.try_get("settled_at")?,
        person: text::person(row, "person_id")?,
        duplicate_of: text::parse_opt(row.try_get("duplicate_of")?)?,
        state: text::parse(row.try_get("state")?)?,
        code: text::code(row, "code")?,
        field: text::field(row, "field")?,
        eligibility: row.try_get::<_, Option<&str>>("eligibility")?.map(text::status).transpose()?,
        patient: row.try_get("patient")?,
        appointment: row.try_get("appointment")?,
        notified: row.try_get("notified")?,
    })
}

impl Store {
    /// The rows of a submission, at one clinic or at all: the first one first, then refused copies.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn submission(
        &self,
        clinic: Option<&ClinicId>,
        submission: &SubmissionId,
    ) -> Result<Vec<Status>, StoreDown> {
        // Each part has an index of its own.
        let sql = format!(
            "SELECT {COLUMNS} FROM (SELECT * FROM submission WHERE submission_id = $1 AND NOT copy
                UNION ALL SELECT * FROM submission WHERE submission_id = $1 AND copy) s
            WHERE $2::text IS NULL OR clinic = $2 ORDER BY copy, seq"
        );
        let clinic = clinic.map(ClinicId::as_str);
        let rows = self.db.rows(&sql, &[&submission.as_str(), &clinic]).await?;
        rows.iter().map(|row| status(row).map_err(|_| StoreDown)).collect()
    }

    /// The row of one admission.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn admission(&self, admission: AdmissionId) -> Result<Option<Status>, StoreDown> {
        let sql = format!("SELECT {COLUMNS} FROM submission s WHERE admission_id = $1");
        let rows = self.db.rows(&sql, &[&admission.as_uuid()]).await?;
        rows.first().map(|row| status(row).map_err(|_| StoreDown)).transpose()
    }

    /// The rows that a correlation id ties together.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn correlated(&self, correlation: CorrelationId) -> Result<Vec<Status>, StoreDown> {
        let sql = format!("SELECT {COLUMNS} FROM submission s WHERE correlation_id = $1 ORDER BY seq");
        let rows = self.db.rows(&sql, &[&correlation.as_uuid()]).await?;
        rows.iter().map(|row| status(row).map_err(|_| StoreDown)).collect()
    }

    /// Submissions that were received before a moment and are still in flight, oldest first.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn in_flight_older_than(
        &self,
        received_before: Timestamp,
        limit: u32,
    ) -> Result<Vec<Late>, StoreDown> {
        const SQL: &str = "SELECT admission_id, submission_id, clinic, received_at FROM submission
            WHERE state = 'in_flight' AND received_at < $1 ORDER BY received_at LIMIT $2";
        let late = |row: &Row| {
            Ok::<_, Failure>(Late {
                admission: text::admission(row, "admission_id")?,
                submission: text::submission(row)?,
                clinic: text::clinic(row)?,
                received_at: row.try_get("received_at")?,
            })
        };
        let rows = self.db.rows(SQL, &[&received_before, &i64::from(limit)]).await?;
        rows.iter().map(|row| late(row).map_err(|_| StoreDown)).collect()
    }
}
