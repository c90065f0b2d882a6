//! `GET /v1/submissions/{id}`: the sender's view. States and codes only.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use domain::SubmissionId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tracing::Instrument as _;

use crate::{
    app::App,
    auth::Claim,
    boundary::Visit,
    ports::Standing,
    problem::{Kind, Refusal},
    sources::Source,
};

/// The query part.
#[derive(Deserialize)]
pub(crate) struct Filter {
    clinic: Option<String>,
}

/// The answer: one admission, and one more for each refused conflicting copy.
#[derive(Serialize)]
struct Known {
    submission_id: SubmissionId,
    admissions: Vec<Standing>,
}

/// Answers the state of a submission at the clinics of the sender. A signed request signs an empty body.
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    Extension(visit): Extension<Visit>,
    id: Result<Path<String>, PathRejection>,
    filter: Result<Query<Filter>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let _place = app.place()?;
    let now = app.clock.now();
    let claim = Claim::read(&headers, now)?;
    let source = app.sources.verify(&claim, &[])?;
    let span = visit.of(&source, &headers);
    tell(&app, &source, (id, filter), now).instrument(span).await
}

/// What a source that is known may see.
async fn tell(
    app: &App,
    source: &Source,
    (id, filter): (Result<Path<String>, PathRejection>, Result<Query<Filter>, QueryRejection>),
    now: Timestamp,
) -> Result<Response, Refusal> {
    let (Ok(Path(id)), Ok(Query(filter))) = (id, filter) else { return Err(Kind::UnknownSubmission.into()) };
    let id = SubmissionId::parse(&id).map_err(|_| Kind::UnknownSubmission)?;
    let clinic = filter.clinic.map(|name| app.clinic(&name, source)).transpose()?;

    let mut admissions = app.standings.of(&id).await.map_err(|_| Kind::StoreUnavailable)?;
    admissions.retain(|one| {
        source.clinics.covers(&one.clinic_id) && clinic.as_ref().is_none_or(|clinic| one.clinic_id == *clinic)
    });
    if admissions.is_empty() {
        admissions = accepted_here(app, source, &id, now);
        admissions.retain(|one| clinic.as_ref().is_none_or(|clinic| one.clinic_id == *clinic));
    }
    if admissions.is_empty() {
        return Err(Kind::UnknownSubmission.into());
    }
    Ok(Json(Known { submission_id: id, admissions }).into_response())
}

/// Accepted by this process, and not yet admitted by validation.
fn accepted_here(app: &App, source: &Source, id: &SubmissionId, now: Timestamp) -> Vec<Standing> {
    let in_flight = |clinic: &domain::ClinicId| Standing {
        clinic_id: clinic.clone(),
        state: "in_flight".to_owned(),
        code: None,
        field: None,
        correlation_id: app.correlation(clinic, id),
        received_at: now,
    };
    app.clinics
        .iter()
        .filter(|clinic| source.clinics.covers(clinic) && app.submissions.accepted(clinic, id, now))
        .map(in_flight)
        .collect()
}
