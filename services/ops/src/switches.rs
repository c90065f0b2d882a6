//! `/v1/switches`: what is paused, pausing, resuming.

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
use serde::Deserialize;

use crate::{App, problem::Refusal, tokens::Principal, views::Pause};

/// Longest reason, bytes.
const MAX_REASON: usize = 500;

/// What to pause, and why.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wish {
    scope: String,
    reason: String,
    until: Option<Timestamp>,
}

/// `GET /v1/switches`.
pub(crate) async fn get(State(app): State<Arc<App>>) -> Result<Json<Vec<Pause>>, Refusal> {
    Ok(Json(app.records.pauses().await?.into_iter().map(Pause::from).collect()))
}

/// `POST /v1/switches`: pauses. The actor is the token's name.
pub(crate) async fn pause(
    State(app): State<Arc<App>>,
    Extension(who): Extension<Arc<Principal>>,
    wish: Result<Json<Wish>, JsonRejection>,
) -> Result<(StatusCode, Json<Pause>), Refusal> {
    let Ok(Json(wish)) = wish else { return Err(Refusal::InvalidRequest("body")) };
    let scope = wish.scope.parse::<SwitchScope>().map_err(|_| Refusal::InvalidRequest("scope"))?;
    let reason = wish.reason.trim();
    if reason.is_empty() || reason.len() > MAX_REASON {
        return Err(Refusal::InvalidRequest("reason"));
    }
    let since = app.clock.now();
    if wish.until.is_some_and(|until| until <= since) {
        return Err(Refusal::InvalidRequest("until"));
    }
    let pause = ledger::switches::Pause {
        scope,
        actor: who.name.clone(),
        reason: reason.to_owned(),
        since,
        until: wish.until,
    };
    app.records.pause(&pause).await?;
    tracing::info!(frontdesk.scope = %pause.scope, enduser.id = who.name, "ops.paused");
    Ok((StatusCode::CREATED, Json(pause.into())))
}

/// `DELETE /v1/switches/{scope}`: resumes.
pub(crate) async fn resume(
    State(app): State<Arc<App>>,
    Extension(who): Extension<Arc<Principal>>,
    scope: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Refusal> {
    let Ok(Path(scope)) = scope else { return Err(Refusal::InvalidRequest("scope")) };
    let scope = scope.parse::<SwitchScope>().map_err(|_| Refusal::InvalidRequest("scope"))?;
    if !app.records.resume(&scope).await? {
        return Err(Refusal::NotPaused);
    }
    tracing::info!(frontdesk.scope = %scope, enduser.id = who.name, "ops.resumed");
    Ok(StatusCode::NO_CONTENT)
}
