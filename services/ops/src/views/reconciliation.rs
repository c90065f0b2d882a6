//! What a reconciliation compared and found.

use domain::{
    ClinicId,
    ids::SourceName,
    reconcile::{Compared, Difference, Kind},
};
use jiff::{Timestamp, civil::Date};
use ledger::reconcile::{Kept, Row};
use serde::Serialize;
use uuid::Uuid;

/// A run with its differences.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Run {
    /// Its name.
    pub id: Uuid,
    /// The day that was compared, at each clinic by its own clock.
    pub date: Date,
    /// Of one clinic; absent: of all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clinic_id: Option<ClinicId>,
    /// Whether ops did it by itself.
    pub daily: bool,
    /// Who did it: the token's name, or `ops`.
    pub actor: String,
    /// When it began.
    pub begun_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// The counts that were compared, clinic by clinic.
    pub compared: Vec<Compared>,
    /// What could not be compared, and why.
    pub gaps: Vec<String>,
    /// What is different.
    pub differences: Vec<Found>,
}

/// One difference, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Found {
    /// The difference.
    #[serde(flatten)]
    pub difference: Difference,
    /// What a person is to do.
    pub advice: String,
    /// When its submission was published again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redriven_at: Option<Timestamp>,
}

/// A run in the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunSummary {
    /// Its name.
    pub id: Uuid,
    /// The day that was compared.
    pub date: Date,
    /// Of one clinic; absent: of all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clinic_id: Option<ClinicId>,
    /// Whether ops did it by itself.
    pub daily: bool,
    /// Who did it.
    pub actor: String,
    /// When it began.
    pub begun_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// What could not be compared.
    pub gaps: Vec<String>,
    /// How many differences of which kind, at which clinic.
    pub differences: Vec<DifferenceCount>,
}

/// How many differences.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DifferenceCount {
    /// Of which kind.
    pub kind: Kind,
    /// At which clinic; absent: not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clinic_id: Option<ClinicId>,
    /// How many.
    pub count: u64,
}

/// A source that normally sends and has stopped.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SilentSource {
    /// The clinic.
    pub clinic_id: ClinicId,
    /// The source.
    pub source: SourceName,
    /// When its last submission came.
    pub since: Timestamp,
    /// What usually comes in an hour in which it sends.
    pub per_hour: f64,
}

impl Run {
    /// From the run and its rows.
    pub fn new(run: ledger::reconcile::Run, rows: Vec<Row>) -> Self {
        let found = |row: Row| Found {
            advice: row.difference.advice(run.day),
            difference: row.difference,
            redriven_at: row.redriven_at,
        };
        Self {
            differences: rows.into_iter().map(found).collect(),
            id: run.id,
            date: run.day,
            clinic_id: run.clinic,
            daily: run.daily,
            actor: run.actor,
            begun_at: run.begun_at,
            ended_at: run.ended_at,
            compared: run.compared,
            gaps: run.gaps,
        }
    }
}

impl From<Kept> for RunSummary {
    fn from(Kept { run, differences }: Kept) -> Self {
        let count = |(kind, clinic_id, count)| DifferenceCount { kind, clinic_id, count };
        Self {
            id: run.id,
            date: run.day,
            clinic_id: run.clinic,
            daily: run.daily,
            actor: run.actor,
            begun_at: run.begun_at,
            ended_at: run.ended_at,
            gaps: run.gaps,
            differences: differences.into_iter().map(count).collect(),
        }
    }
}
