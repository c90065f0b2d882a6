//! `/v1/switches`: what is paused, pausing, resuming. `/v1/scopes`: what there is to be paused.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{
        Path, State,
        rejection::{JsonRejection, PathRejection},
    },
    http::StatusCode,
};
use domain::ports::SwitchScope;
use jiff::Timestamp;
use ledger::read::State as Standing;
use serde::{Deserialize, Serialize};

use crate::{
    App,
    access::Role,
    backlog::{Backlog, Known, since},
    names::Listed,
    problem::Refusal,
    said::{self, Grounds, reason},
    tokens::Principal,
    views::Pause,
};

/// What to pause, and why.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wish {
    scope: String,
    reason: String,
    until: Option<Timestamp>,
}

/// The answer of `POST /v1/switches`.
#[derive(Serialize)]
pub(crate) struct Paused {
    #[serde(flatten)]
    pause: Pause,
    backlog: Backlog,
}

/// `GET /v1/switches`.
pub(crate) async fn get(State(app): State<Arc<App>>) -> Result<Json<Vec<Pause>>, Refusal> {
    Ok(Json(app.records.pauses().await?.into_iter().map(Pause::from).collect()))
}

/// `GET /v1/scopes`.
pub(crate) async fn scopes(State(app): State<Arc<App>>) -> Json<Listed> {
    Json(app.names.listed())
}

/// `POST /v1/switches`: pauses. The actor is the token's name.
pub(crate) async fn pause(
    State(app): State<Arc<App>>,
    Extension(who): Extension<Arc<Principal>>,
    Extension(role): Extension<Role>,
    wish: Result<Json<Wish>, JsonRejection>,
) -> Result<(StatusCode, Json<Paused>), Refusal> {
    let Ok(Json(wish)) = wish else { return Err(Refusal::InvalidRequest("body")) };
    let scope = wish.scope.parse::<SwitchScope>().map_err(|_| Refusal::InvalidRequest("scope"))?;
    let reason = reason(&wish.reason)?;
    let since = app.clock.now();
    if wish.until.is_some_and(|until| until <= since) {
        return Err(Refusal::InvalidRequest("until"));
    }
    if !app.names.knows(&scope) {
        return Err(Refusal::UnknownScope);
    }
    let pause = ledger::switches::Pause { scope, actor: who.name.clone(), reason, since, until: wish.until };
    let outcome = app.records.pause(&pause, &role.to_string()).await?;
    tracing::info!(frontdesk.scope = %pause.scope, enduser.id = who.name, frontdesk.outcome = %outcome, "ops.paused");
    let backlog = backlog(&app, &pause).await;
    Ok((StatusCode::CREATED, Json(Paused { pause: pause.into(), backlog })))
}

/// `POST /v1/switches/{scope}/resume`: resumes, and answers with the pause that ended.
pub(crate) async fn resume(
    State(app): State<Arc<App>>,
    Extension(who): Extension<Arc<Principal>>,
    Extension(role): Extension<Role>,
    scope: Result<Path<String>, PathRejection>,
    grounds: Result<Json<Grounds>, JsonRejection>,
) -> Result<Json<Pause>, Refusal> {
    let Ok(Path(scope)) = scope else { return Err(Refusal::InvalidRequest("scope")) };
    let scope = scope.parse::<SwitchScope>().map_err(|_| Refusal::InvalidRequest("scope"))?;
    let reason = said::grounds(grounds)?;
    let actor = said::actor(&who, role);
    let ended = app.records.resume(&scope, &actor, &reason).await?.ok_or(Refusal::NotPaused)?;
    tracing::info!(frontdesk.scope = %scope, enduser.id = who.name, "ops.resumed");
    Ok(Json(ended.into()))
}

/// What the pause makes wait. It is paused already: what cannot be asked now is unknown, and no failure.
async fn backlog(app: &App, pause: &ledger::switches::Pause) -> Backlog {
    let queues = app.queues.depths().await;
    let activity = app.records.activity(since(pause.since)).await.ok();
    let in_flight = match &pause.scope {
        SwitchScope::Clinic(clinic) => app.records.standing(Some(clinic)).await.ok(),
        _ => None,
    };
    let known = Known {
        names: &app.names,
        queues: queues.as_deref(),
        flows: activity.as_ref().map(|activity| activity.flows.as_slice()),
        in_flight: in_flight
            .and_then(|counts| counts.into_iter().find(|(state, _)| *state == Standing::InFlight))
            .map(|(_, count)| count),
    };
    let lasts = pause.until.map(|until| until.duration_since(pause.since));
    Backlog::project(&pause.scope, lasts, &known)
}
