//! Who does something, and why.

use axum::{Json, extract::rejection::JsonRejection};
use ledger::acts::Actor;
use serde::Deserialize;

use crate::{access::Role, problem::Refusal, tokens::Principal};

/// Longest reason, bytes.
const MAX_REASON: usize = 500;

/// Why something is done.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Grounds {
    reason: String,
}

/// The reason of a body that says nothing else.
pub(crate) fn grounds(body: Result<Json<Grounds>, JsonRejection>) -> Result<String, Refusal> {
    let Ok(Json(grounds)) = body else { return Err(Refusal::InvalidRequest("body")) };
    reason(&grounds.reason)
}

/// A reason, fit to be kept.
pub(crate) fn reason(text: &str) -> Result<String, Refusal> {
    let reason = text.trim();
    // The database keeps no NUL in a text.
    if reason.is_empty() || reason.len() > MAX_REASON || reason.contains('\0') {
        return Err(Refusal::InvalidRequest("reason"));
    }
    Ok(reason.to_owned())
}

/// Who acts, in which role.
pub(crate) fn actor(who: &Principal, role: Role) -> Actor {
    Actor { name: who.name.clone(), role: role.to_string() }
}
