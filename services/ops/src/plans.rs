//! `/v1/plans`: dead letters frozen into a plan, dry-run, and replayed.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{
        Path, Query, State,
        rejection::{JsonRejection, PathRejection, QueryRejection},
    },
    http::StatusCode,
};
use domain::ids::{LetterId, PlanId};
use jiff::Timestamp;
use ledger::{
    letters::LetterState,
    replay::{Begun, Choice, ItemPage, PlanRow, Rules},
};
use serde::{Deserialize, Serialize};

use crate::{
    App,
    access::Role,
    letters::Wanted,
    problem::Refusal,
    replay::{LARGEST_PLAN, NoPlan, Replay},
    said::{self, Grounds, actor, reason},
    tokens::Principal,
};

/// Plans of the list.
const LISTED: u32 = 100;
/// Letters of a page, if the query does not say.
const PAGE: u32 = 100;
/// Letters of a page at most.
const LARGEST_PAGE: u32 = 500;
/// Letters that go first, at most.
const LARGEST_CANARY: u32 = 1000;
/// Letters a second at most: each is confirmed and marked before the next.
const FASTEST: u32 = 200;

/// Which letters, and why.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wish {
    clinic: Option<String>,
    stage: Option<String>,
    lane: Option<String>,
    code: Option<String>,
    fingerprint: Option<String>,
    since: Option<Timestamp>,
    #[serde(default)]
    letters: Vec<LetterId>,
    limit: Option<u32>,
    reason: String,
}

/// A plan that was made.
#[derive(Serialize)]
pub(crate) struct Made {
    #[serde(flatten)]
    plan: PlanRow,
    /// More letters are of the kind than a plan takes.
    more: bool,
}

/// The rules of a run, and why it is begun.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Start {
    canary: u32,
    rate: u32,
    stop_on: u32,
    reason: String,
}

/// Which page.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Page {
    after: Option<i32>,
    limit: Option<u32>,
}

/// What replays; an API that only looks has nothing.
pub(crate) fn replay(app: &App) -> Result<&Replay, Refusal> {
    app.replay.as_deref().ok_or(Refusal::NoReplay)
}

fn plan_id(id: Result<Path<String>, PathRejection>) -> Result<PlanId, Refusal> {
    let Ok(Path(id)) = id else { return Err(Refusal::UnknownPlan) };
    id.parse().map_err(|_| Refusal::UnknownPlan)
}

/// `POST /v1/plans`.
pub(crate) async fn make(
    State(app): State<Arc<App>>,
    Extension(who): Extension<Arc<Principal>>,
    Extension(role): Extension<Role>,
    wish: Result<Json<Wish>, JsonRejection>,
) -> Result<(StatusCode, Json<Made>), Refusal> {
    let Ok(Json(wish)) = wish else { return Err(Refusal::InvalidRequest("body")) };
    let Wish { clinic, stage, lane, code, fingerprint, since, letters, limit, reason: why } = wish;
    let why = reason(&why)?;
    let limit = limit.unwrap_or(LARGEST_PLAN);
    if !(1..=LARGEST_PLAN).contains(&limit) {
        return Err(Refusal::InvalidRequest("limit"));
    }
    let mut filter =
        Wanted { clinic, stage, lane, code, fingerprint, since, ..Wanted::default() }.filter()?;
    filter.state = Some(LetterState::Open);
    let made = replay(&app)?.plan(&Choice { filter, letters }, limit, &actor(&who, role), &why).await;
    let (plan, more) = made.map_err(|why| match why {
        NoPlan::NothingMatched => Refusal::NothingMatched,
        NoPlan::Templates => Refusal::Templates,
        NoPlan::Down(down) => down.into(),
    })?;
    tracing::info!(frontdesk.plan = %plan.id, enduser.id = who.name, "ops.planned");
    Ok((StatusCode::CREATED, Json(Made { plan, more })))
}

/// `GET /v1/plans`: newest first.
pub(crate) async fn list(State(app): State<Arc<App>>) -> Result<Json<Vec<PlanRow>>, Refusal> {
    Ok(Json(replay(&app)?.store().plans(LISTED).await?))
}

/// `GET /v1/plans/{id}`.
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<PlanRow>, Refusal> {
    shown(replay(&app)?, plan_id(id)?).await
}

/// `GET /v1/plans/{id}/items`.
pub(crate) async fn items(
    State(app): State<Arc<App>>,
    id: Result<Path<String>, PathRejection>,
    page: Result<Query<Page>, QueryRejection>,
) -> Result<Json<ItemPage>, Refusal> {
    let id = plan_id(id)?;
    let Ok(Query(page)) = page else { return Err(Refusal::InvalidRequest("query")) };
    let limit = page.limit.unwrap_or(PAGE);
    if !(1..=LARGEST_PAGE).contains(&limit) {
        return Err(Refusal::InvalidRequest("limit"));
    }
    Ok(Json(replay(&app)?.store().plan_items(id, page.after, limit).await?))
}

/// `POST /v1/plans/{id}/replay`: begins a run, and answers with the plan.
pub(crate) async fn start(
    State(app): State<Arc<App>>,
    Extension(who): Extension<Arc<Principal>>,
    Extension(role): Extension<Role>,
    id: Result<Path<String>, PathRejection>,
    start: Result<Json<Start>, JsonRejection>,
) -> Result<(StatusCode, Json<PlanRow>), Refusal> {
    let id = plan_id(id)?;
    let Ok(Json(Start { canary, rate, stop_on, reason: why })) = start else {
        return Err(Refusal::InvalidRequest("body"));
    };
    let why = reason(&why)?;
    for (name, within) in [
        ("canary", canary <= LARGEST_CANARY),
        ("rate", (1..=FASTEST).contains(&rate)),
        ("stop_on", (1..=100).contains(&stop_on)),
    ] {
        if !within {
            return Err(Refusal::InvalidRequest(name));
        }
    }
    let replay = replay(&app)?;
    begun(replay.store().begin_run(id, Rules { canary, rate, stop_on }, &actor(&who, role), &why).await?)?;
    replay.wake();
    tracing::info!(frontdesk.plan = %id, enduser.id = who.name, "ops.replaying");
    Ok((StatusCode::ACCEPTED, shown(replay, id).await?))
}

/// `POST /v1/plans/{id}/cancel`: nothing more of it is published, and what was not stays as it was.
pub(crate) async fn cancel(
    State(app): State<Arc<App>>,
    Extension(who): Extension<Arc<Principal>>,
    Extension(role): Extension<Role>,
    id: Result<Path<String>, PathRejection>,
    grounds: Result<Json<Grounds>, JsonRejection>,
) -> Result<Json<PlanRow>, Refusal> {
    let id = plan_id(id)?;
    let why = said::grounds(grounds)?;
    let replay = replay(&app)?;
    begun(replay.store().cancel_run(id, &actor(&who, role), &why).await?)?;
    tracing::info!(frontdesk.plan = %id, enduser.id = who.name, "ops.cancelled");
    shown(replay, id).await
}

const fn begun(begun: Begun) -> Result<(), Refusal> {
    match begun {
        Begun::Done => Ok(()),
        Begun::Not(_) => Err(Refusal::PlanState),
        Begun::Nothing => Err(Refusal::NothingWaits),
        Begun::Unknown => Err(Refusal::UnknownPlan),
    }
}

async fn shown(replay: &Replay, id: PlanId) -> Result<Json<PlanRow>, Refusal> {
    replay.store().plan(id).await?.map(Json).ok_or(Refusal::UnknownPlan)
}
