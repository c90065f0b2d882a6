//! What became of submissions, page by page.

use domain::{ClinicId, ports::StoreDown};
use jiff::Timestamp;
use serde::Serialize;

use super::status::{COLUMNS, State, Status, status};
use crate::Store;

/// Which submissions.
#[derive(Debug, Clone, Default)]
pub struct OutcomeFilter {
    /// Of one clinic.
    pub clinic: Option<ClinicId>,
    /// In one state.
    pub state: Option<State>,
    /// Received at or after.
    pub from: Option<Timestamp>,
    /// Received before.
    pub until: Option<Timestamp>,
}

/// One line of the outcomes: a submission, or a refused copy of one. Names as in `outcomes.jsonl`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OutcomeRow {
    /// The sender's identifier.
    pub submission_id: String,
    /// The clinic.
    pub clinic_id: String,
    /// Where it stands.
    pub state: &'static str,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    /// Where in the intake.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The EHR's patient.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patient: Option<String>,
    /// The EHR's appointment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub appointment: Option<String>,
    /// What the payer said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eligibility: Option<&'static str>,
    /// Channels over which the patient was told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notified: Option<Vec<String>>,
}

/// A page of outcomes, in the order of admission.
#[derive(Debug, Clone)]
pub struct OutcomePage {
    /// The lines.
    pub rows: Vec<OutcomeRow>,
    /// Where the next page begins; `None`: this is the last.
    pub next: Option<i64>,
}

impl Store {
    /// A page of outcomes. `after` is the page before's [`OutcomePage::next`].
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn outcomes(
        &self,
        filter: &OutcomeFilter,
        after: Option<i64>,
        limit: u32,
    ) -> Result<OutcomePage, StoreDown> {
        let sql = format!(
            "SELECT {COLUMNS} FROM submission s WHERE seq > $1 AND ($2::text IS NULL OR clinic = $2)
                AND ($3::text IS NULL OR state = $3) AND ($4::timestamptz IS NULL OR received_at >= $4)
                AND ($5::timestamptz IS NULL OR received_at < $5)
            ORDER BY seq LIMIT $6"
        );
        let clinic = filter.clinic.as_ref().map(ClinicId::as_str);
        let state = filter.state.map(State::as_str);
        let after = after.unwrap_or(0);
        let rows = self
            .db
            .rows(&sql, &[&after, &clinic, &state, &filter.from, &filter.until, &i64::from(limit)])
            .await?;
        let full = u32::try_from(rows.len()).is_ok_and(|len| len == limit);
        let last = rows.last().filter(|_| full).map(|row| row.try_get("seq")).transpose();
        let rows: Result<_, _> = rows.iter().map(|row| status(row).map(outcome)).collect();
        Ok(OutcomePage { rows: rows.map_err(|_| StoreDown)?, next: last.map_err(|_| StoreDown)? })
    }
}

fn outcome(status: Status) -> OutcomeRow {
    OutcomeRow {
        submission_id: status.submission.into(),
        clinic_id: status.clinic.into(),
        state: status.state.as_str(),
        code: status.code.map(|code| code.as_str()),
        field: status.field.map(|field| field.as_str().to_owned()),
        patient: status.patient,
        appointment: status.appointment,
        eligibility: status.eligibility.map(|status| status.as_str()),
        notified: status.notified,
    }
}
