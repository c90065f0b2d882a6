//! `/v1/holds`: what is held for a person, and their decisions.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{
        Path, Query, State,
        rejection::{JsonRejection, PathRejection, QueryRejection},
    },
};
use domain::{
    AdmissionId, ClinicId, Code, Stage,
    hold::{Verdict, Word},
};
use ledger::{
    holds::{HoldFilter, HoldPage, NewDecision},
    read::State as Standing,
};
use runtime::telemetry;
use serde::Deserialize;

use crate::{
    App,
    access::Role,
    letters::read,
    problem::Refusal,
    said::{actor, reason},
    tokens::Principal,
    views::{Hold, Ruling},
};

/// Holds of a page, if the query does not say.
const PAGE: u32 = 100;
/// Holds of a page at most.
const LARGEST_PAGE: u32 = 500;

/// Which holds, and which page of them; all optional.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    clinic: Option<String>,
    stage: Option<String>,
    code: Option<String>,
    after: Option<String>,
    limit: Option<u32>,
}

/// What to decide, and why.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Said {
    decision: String,
    names: Option<String>,
    reason: String,
}

/// `GET /v1/holds`.
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    query: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<HoldPage>, Refusal> {
    let Ok(Query(wanted)) = query else { return Err(Refusal::InvalidRequest("query")) };
    let limit = wanted.limit.unwrap_or(PAGE);
    if !(1..=LARGEST_PAGE).contains(&limit) {
        return Err(Refusal::InvalidRequest("limit"));
    }
    let filter = HoldFilter {
        clinic: read::<ClinicId>(wanted.clinic.as_deref(), "clinic")?,
        stage: read::<Stage>(wanted.stage.as_deref(), "stage")?,
        code: read::<Code>(wanted.code.as_deref(), "code")?,
    };
    let after = read::<AdmissionId>(wanted.after.as_deref(), "after")?;
    Ok(Json(app.records.holds(&filter, after, limit).await?))
}

fn id(path: Result<Path<String>, PathRejection>) -> Result<AdmissionId, Refusal> {
    let Ok(Path(id)) = path else { return Err(Refusal::UnknownHold) };
    id.parse().map_err(|_| Refusal::UnknownHold)
}

/// `GET /v1/holds/{id}`: by the id of the admission.
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<Hold>, Refusal> {
    let id = id(path)?;
    let held = app.records.hold(id).await?.ok_or(Refusal::UnknownHold)?;
    Ok(Json(Hold::new(held, app.records.admission(id).await?)))
}

/// `POST /v1/holds/{id}/decide`. The actor is the token's name.
pub(crate) async fn decide(
    State(app): State<Arc<App>>,
    Extension(who): Extension<Arc<Principal>>,
    Extension(role): Extension<Role>,
    path: Result<Path<String>, PathRejection>,
    said: Result<Json<Said>, JsonRejection>,
) -> Result<Json<Ruling>, Refusal> {
    let id = id(path)?;
    let Ok(Json(said)) = said else { return Err(Refusal::InvalidRequest("body")) };
    let word = said.decision.parse::<Word>().map_err(|_| Refusal::InvalidRequest("decision"))?;
    let verdict = Verdict::new(word, said.names.as_deref()).map_err(|_| Refusal::InvalidRequest("names"))?;
    let decision =
        NewDecision { admission: id, verdict, actor: actor(&who, role), reason: reason(&said.reason)? };
    let decided = app.records.decide(&decision).await?;
    let thread = &decided.thread;
    telemetry::resume("decide hold", thread.trace_id.as_deref(), thread.correlation).in_scope(|| {
        tracing::info!(
            frontdesk.admission = %id,
            enduser.id = who.name,
            frontdesk.decision = word.as_str(),
            frontdesk.code = decided.row.code.as_str(),
            "ops.decided"
        );
    });
    if decided.state == Standing::InFlight {
        app.decided.notify_one();
    }
    Ok(Json(Ruling::new(word, &decided)))
}
