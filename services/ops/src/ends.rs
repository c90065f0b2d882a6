//! `/v1/dead-letters/archive`, `/v1/dead-letters/restore`, `/v1/discards`: the ends of a dead letter that is not replayed.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{
        Path, State,
        rejection::{JsonRejection, PathRejection},
    },
    http::StatusCode,
};
use domain::ids::{DiscardId, LetterId};
use ledger::letters::{Approved, Changed, DiscardRow, Move};
use serde::Deserialize;

use crate::{
    App,
    access::Role,
    plans::replay,
    problem::Refusal,
    said::{self, Grounds, actor, reason},
    tokens::Principal,
};

/// Letters of one request at most.
const MOST: usize = 200;

/// Which letters, and why.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Chosen {
    letters: Vec<LetterId>,
    reason: String,
}

/// The letters, each once, and the reason.
fn checked(body: Result<Json<Chosen>, JsonRejection>) -> Result<(Vec<LetterId>, String), Refusal> {
    let Ok(Json(Chosen { mut letters, reason: why })) = body else {
        return Err(Refusal::InvalidRequest("body"));
    };
    letters.sort_unstable();
    letters.dedup();
    if letters.is_empty() || letters.len() > MOST {
        return Err(Refusal::InvalidRequest("letters"));
    }
    Ok((letters, reason(&why)?))
}

async fn moved(
    app: &App,
    (who, role): (&Principal, Role),
    body: Result<Json<Chosen>, JsonRejection>,
    to: Move,
) -> Result<Json<Changed>, Refusal> {
    let (letters, why) = checked(body)?;
    let changed = replay(app)?.store().move_letters(&letters, to, &actor(who, role), &why).await?;
    tracing::info!(enduser.id = who.name, frontdesk.letters = changed.done.len(), "ops.letters_moved");
    Ok(Json(changed))
}

/// `POST /v1/dead-letters/archive`: puts open letters aside.
pub(crate) async fn archive(
    State(app): State<Arc<App>>,
    Extension(who): Extension<Arc<Principal>>,
    Extension(role): Extension<Role>,
    body: Result<Json<Chosen>, JsonRejection>,
) -> Result<Json<Changed>, Refusal> {
    moved(&app, (&who, role), body, Move::Archive).await
}

/// `POST /v1/dead-letters/restore`: takes them up again.
pub(crate) async fn restore(
    State(app): State<Arc<App>>,
    Extension(who): Extension<Arc<Principal>>,
    Extension(role): Extension<Role>,
    body: Result<Json<Chosen>, JsonRejection>,
) -> Result<Json<Changed>, Refusal> {
    moved(&app, (&who, role), body, Move::Restore).await
}

/// `GET /v1/discards`: what waits for a second person.
pub(crate) async fn waiting(State(app): State<Arc<App>>) -> Result<Json<Vec<DiscardRow>>, Refusal> {
    Ok(Json(replay(&app)?.store().discards().await?))
}

/// `POST /v1/discards`: asks for it. 202: it waits for an approver.
pub(crate) async fn request(
    State(app): State<Arc<App>>,
    Extension(who): Extension<Arc<Principal>>,
    Extension(role): Extension<Role>,
    body: Result<Json<Chosen>, JsonRejection>,
) -> Result<(StatusCode, Json<DiscardRow>), Refusal> {
    let (letters, why) = checked(body)?;
    let asked = replay(&app)?.store().request_discard(&letters, &actor(&who, role), &why).await?;
    let asked = asked.ok_or(Refusal::NothingMatched)?;
    tracing::info!(enduser.id = who.name, frontdesk.discard = %asked.id, "ops.discard_requested");
    Ok((StatusCode::ACCEPTED, Json(asked)))
}

/// `POST /v1/discards/{id}/approve`: by somebody else than whoever asked.
pub(crate) async fn approve(
    State(app): State<Arc<App>>,
    Extension(who): Extension<Arc<Principal>>,
    Extension(role): Extension<Role>,
    id: Result<Path<String>, PathRejection>,
    grounds: Result<Json<Grounds>, JsonRejection>,
) -> Result<Json<Changed>, Refusal> {
    let Ok(Path(id)) = id else { return Err(Refusal::UnknownDiscard) };
    let id = id.parse::<DiscardId>().map_err(|_| Refusal::UnknownDiscard)?;
    let why = said::grounds(grounds)?;
    match replay(&app)?.store().approve_discard(id, &actor(&who, role), &why).await? {
        Approved::Done(changed) => {
            tracing::info!(enduser.id = who.name, frontdesk.discard = %id, "ops.discarded");
            Ok(Json(changed))
        }
        Approved::SamePerson => Err(Refusal::SamePerson),
        Approved::Unknown => Err(Refusal::UnknownDiscard),
    }
}
