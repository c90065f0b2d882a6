//! `/v1/dead-letters/{id}/reveal`, `/v1/dead-letters/{id}/edit` and `/v1/edits`: a dead letter looked into, and corrected. What comes and
//! goes here is PHI: it is in no address, no log and no act.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Extension, Json,
    extract::{
        Path, State,
        rejection::{JsonRejection, PathRejection},
    },
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{
    Code, FieldPath,
    ids::{EditId, LetterId},
    template::{Corrections, Field, MAX_CORRECTION},
};
use jiff::Timestamp;
use ledger::{
    letters::{Allowed, EditRow, EditState, Edited, Look, Part},
    replay::{Forecast, Foreseen, Why},
};
use serde::{Deserialize, Serialize};

use crate::{
    App,
    access::Role,
    plans::replay,
    problem::Refusal,
    said::{self, Grounds, actor, reason},
    tokens::Principal,
};

/// What is to be shown, and what for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    field: String,
    of: Option<String>,
    purpose: Option<String>,
}

/// One field's value. PHI: no `Debug`.
#[derive(Serialize)]
pub(crate) struct Shown {
    letter_id: LetterId,
    field: &'static str,
    of: &'static str,
    value: String,
    until: Timestamp,
}

/// New values by field, and why. PHI: no `Debug`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Correction {
    values: BTreeMap<String, String>,
    reason: String,
}

/// An edit that was made, and what would become of the letter with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Made {
    /// The edit.
    #[serde(flatten)]
    pub edit: EditRow,
    /// What the dry run says.
    pub forecast: Forecast,
    /// Under which code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
    /// Where in the intake.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<FieldPath>,
    /// Why it would not be replayed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<Why>,
}

impl Made {
    /// Of an edit and what the dry run said.
    pub fn new(edit: EditRow, foreseen: Foreseen) -> Self {
        let Foreseen { forecast, code, field, why } = foreseen;
        Self { edit, forecast, code, field, why }
    }
}

fn letter(id: Result<Path<String>, PathRejection>) -> Result<LetterId, Refusal> {
    let Ok(Path(id)) = id else { return Err(Refusal::UnknownLetter) };
    id.parse().map_err(|_| Refusal::UnknownLetter)
}

/// `POST /v1/dead-letters/{id}/reveal`: one field, to one person. The act is committed before the value is anywhere but in memory.
pub(crate) async fn reveal(
    State(app): State<Arc<App>>,
    Extension(who): Extension<Arc<Principal>>,
    Extension(role): Extension<Role>,
    id: Result<Path<String>, PathRejection>,
    wanted: Result<Json<Wanted>, JsonRejection>,
) -> Result<Response, Refusal> {
    let letter = letter(id)?;
    let Ok(Json(Wanted { field, of, purpose })) = wanted else {
        return Err(Refusal::InvalidRequest("body"));
    };
    let field = Field::parse(&field).ok_or(Refusal::InvalidRequest("field"))?;
    let part = of.map(|of| of.parse()).transpose().map_err(|_| Refusal::InvalidRequest("of"))?;
    let part = part.unwrap_or(Part::Original);
    let purpose = purpose.map(|text| reason(&text).map_err(|_| Refusal::InvalidRequest("purpose")));
    let purpose = purpose.transpose()?;
    let replay = replay(&app)?;
    let value = replay.value(letter, part, field).await?;
    let look = Look { letter, part, field };
    let allowed = replay.store().allow_look(look, &actor(&who, role), purpose.as_deref()).await?;
    let Allowed::Until(until) = allowed else { return Err(Refusal::PurposeNeeded) };
    tracing::info!(
        enduser.id = who.name,
        frontdesk.letter = %letter,
        frontdesk.field = field.as_str(),
        "ops.revealed"
    );
    let value = value.ok_or(Refusal::FieldEmpty)?.into_exposed();
    let shown = Shown { letter_id: letter, field: field.as_str(), of: part.as_str(), value, until };
    let mut response = Json(shown).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// `POST /v1/dead-letters/{id}/edit`: corrects fields. 202: it waits for an approver.
pub(crate) async fn edit(
    State(app): State<Arc<App>>,
    Extension(who): Extension<Arc<Principal>>,
    Extension(role): Extension<Role>,
    id: Result<Path<String>, PathRejection>,
    correction: Result<Json<Correction>, JsonRejection>,
) -> Result<(StatusCode, Json<Made>), Refusal> {
    let letter = letter(id)?;
    let Ok(Json(Correction { values, reason: why })) = correction else {
        return Err(Refusal::InvalidRequest("body"));
    };
    let why = reason(&why)?;
    if values.is_empty() || values.values().any(|value| value.len() > MAX_CORRECTION) {
        return Err(Refusal::InvalidRequest("values"));
    }
    let field = |path: &str| Field::parse(path).ok_or(Refusal::InvalidRequest("values"));
    let values = values.into_iter().map(|(path, value)| Ok((field(&path)?, value)));
    let corrections = Corrections::new(values.collect::<Result<Vec<_>, Refusal>>()?);
    let (edit, foreseen) = replay(&app)?.edit(letter, corrections, &actor(&who, role), &why).await?;
    tracing::info!(enduser.id = who.name, frontdesk.letter = %letter, frontdesk.edit = %edit.id, "ops.edited");
    let waits = edit.state == EditState::Waiting;
    let status = if waits { StatusCode::ACCEPTED } else { StatusCode::CREATED };
    Ok((status, Json(Made::new(edit, foreseen))))
}

/// `POST /v1/dead-letters/{id}/withdraw-edit`: takes the edit back that waits or is in force.
pub(crate) async fn withdraw(
    State(app): State<Arc<App>>,
    Extension(who): Extension<Arc<Principal>>,
    Extension(role): Extension<Role>,
    id: Result<Path<String>, PathRejection>,
    grounds: Result<Json<Grounds>, JsonRejection>,
) -> Result<Json<EditRow>, Refusal> {
    let letter = letter(id)?;
    let why = said::grounds(grounds)?;
    match replay(&app)?.store().withdraw_edit(letter, &actor(&who, role), &why).await? {
        Edited::Done(row) => {
            tracing::info!(enduser.id = who.name, frontdesk.edit = %row.id, "ops.edit_withdrawn");
            Ok(Json(row))
        }
        Edited::NotOpen(_) => Err(Refusal::LetterNotOpen),
        Edited::SamePerson | Edited::Unknown => Err(Refusal::NoEdit),
    }
}

/// `GET /v1/edits`: what waits for a second person.
pub(crate) async fn waiting(State(app): State<Arc<App>>) -> Result<Json<Vec<EditRow>>, Refusal> {
    Ok(Json(replay(&app)?.store().edits_waiting().await?))
}

/// `POST /v1/edits/{id}/approve`: by somebody else than whoever asked.
pub(crate) async fn approve(
    State(app): State<Arc<App>>,
    Extension(who): Extension<Arc<Principal>>,
    Extension(role): Extension<Role>,
    id: Result<Path<String>, PathRejection>,
    grounds: Result<Json<Grounds>, JsonRejection>,
) -> Result<Json<EditRow>, Refusal> {
    let Ok(Path(id)) = id else { return Err(Refusal::UnknownEdit) };
    let id = id.parse::<EditId>().map_err(|_| Refusal::UnknownEdit)?;
    let why = said::grounds(grounds)?;
    match replay(&app)?.store().approve_edit(id, &actor(&who, role), &why).await? {
        Edited::Done(row) => {
            tracing::info!(enduser.id = who.name, frontdesk.edit = %id, "ops.edit_approved");
            Ok(Json(row))
        }
        Edited::NotOpen(_) => Err(Refusal::LetterNotOpen),
        Edited::SamePerson => Err(Refusal::SamePerson),
        Edited::Unknown => Err(Refusal::UnknownEdit),
    }
}
