//! The query part that several addresses share: which submissions.

use axum::extract::{Query, rejection::QueryRejection};
use domain::ClinicId;
use jiff::Timestamp;
use ledger::read::{OutcomeFilter, State};
use serde::Deserialize;

use crate::problem::Refusal;

/// `?clinic=…&state=…&from=…&until=…`, all optional.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Selection {
    clinic: Option<String>,
    state: Option<String>,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
}

/// What the query selects.
pub(crate) fn filter(query: Result<Query<Selection>, QueryRejection>) -> Result<OutcomeFilter, Refusal> {
    let Ok(Query(selection)) = query else { return Err(Refusal::InvalidRequest("query")) };
    let clinic = selection.clinic.map(|text| ClinicId::parse(&text)).transpose();
    let state = selection.state.map(|text| text.parse::<State>()).transpose();
    Ok(OutcomeFilter {
        clinic: clinic.map_err(|_| Refusal::InvalidRequest("clinic"))?,
        state: state.map_err(|_| Refusal::InvalidRequest("state"))?,
        from: selection.from,
        until: selection.until,
    })
}
