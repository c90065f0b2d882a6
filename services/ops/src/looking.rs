//! What can be looked up: a submission, the counts, the line at a glance.

use std::sync::Arc;

use axum::{
    Json,
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
};
use domain::SubmissionId;
use serde::Serialize;

use crate::{
    App, backlog,
    problem::Refusal,
    query::{self, Selection},
    views::{Admission, Breaker, Glance, Pause, Reconciliation, StateCount, lanes},
};

/// The answer of `GET /v1/submissions/{id}`.
#[derive(Serialize)]
pub(crate) struct Found {
    submission_id: SubmissionId,
    admissions: Vec<Admission>,
}

/// `GET /v1/submissions/{id}`: every admission under the identifier, with its timeline.
pub(crate) async fn submission(
    State(app): State<Arc<App>>,
    id: Result<Path<String>, PathRejection>,
    query: Result<Query<Selection>, QueryRejection>,
) -> Result<Json<Found>, Refusal> {
    let Ok(Path(id)) = id else { return Err(Refusal::UnknownSubmission) };
    let id = SubmissionId::parse(&id).map_err(|_| Refusal::UnknownSubmission)?;
    let clinic = query::filter(query)?.clinic;
    let found = app.records.submission(clinic.as_ref(), &id).await?;
    if found.is_empty() {
        return Err(Refusal::UnknownSubmission);
    }
    let admissions = found.into_iter().map(|(status, timeline)| Admission::new(status, timeline)).collect();
    Ok(Json(Found { submission_id: id, admissions }))
}

/// `GET /v1/reconciliation`: what the journal and the ledger count.
pub(crate) async fn reconciliation(
    State(app): State<Arc<App>>,
    query: Result<Query<Selection>, QueryRejection>,
) -> Result<Json<Reconciliation>, Refusal> {
    let filter = query::filter(query)?;
    let counts = app.records.counts(&filter).await?;
    Ok(Json(Reconciliation::new(counts, app.records.durations(&filter).await?)))
}

/// `GET /v1/status`: submissions by state, stages and lanes, queues, pauses, breakers.
pub(crate) async fn status(State(app): State<Arc<App>>) -> Result<Json<Glance>, Refusal> {
    let at = app.clock.now();
    let states = app.records.standing(None).await?;
    let activity = app.records.activity(backlog::since(at)).await?;
    let paused: Vec<_> = app.records.pauses().await?.into_iter().map(Pause::from).collect();
    let breakers = app.records.breakers().await?;
    let breakers: Vec<_> = breakers.iter().map(|told| Breaker::new(told, at)).collect();
    let queues = app.queues.depths().await;
    let states = states.into_iter();
    let glance = Glance {
        at,
        window_s: backlog::WINDOW.as_secs(),
        states: states
            .map(|(state, count)| StateCount { state: state.as_str(), code: None, count })
            .collect(),
        lanes: lanes(&app.names, (at, &activity), queues.as_deref(), (&paused, &breakers)),
        queues,
        paused,
        breakers,
        silent: app.silences.now(),
    };
    Ok(Json(glance))
}
