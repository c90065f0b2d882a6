//! Submissions by anything that names them: `GET /v1/traces/{id}`, and by phone or e-mail, `POST /v1/look-ups`.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{
        Path, Query, State,
        rejection::{JsonRejection, PathRejection, QueryRejection},
    },
};
use domain::{
    ClinicId, Phi, SubmissionId,
    matching::person::{Contact, ContactKind},
};
use ledger::{
    look_up::{LookUp, Naming},
    read::Status,
};
use serde::{Deserialize, Deserializer};

use crate::{
    App,
    access::Role,
    problem::Refusal,
    said,
    tokens::Principal,
    views::{Admission, Match, Traced},
};

/// Matches that are told at most: more are not to be chosen from.
const MOST: u32 = 50;
/// Longest purpose, bytes.
const MAX_PURPOSE: usize = 500;

/// At which clinic.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct At {
    clinic: Option<String>,
}

/// Whom to look up, and what for. What it holds is PHI: it has no `Debug`, and no error quotes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    #[serde(default, deserialize_with = "protected")]
    phone: Option<Phi<String>>,
    #[serde(default, deserialize_with = "protected")]
    email: Option<Phi<String>>,
    clinic: Option<String>,
    purpose: String,
}

fn protected<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Phi<String>>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(Phi::new))
}

/// `GET /v1/traces/{id}`: the submissions that an id names, whatever it is the id of.
pub(crate) async fn by_id(
    State(app): State<Arc<App>>,
    id: Result<Path<String>, PathRejection>,
    query: Result<Query<At>, QueryRejection>,
) -> Result<Json<Traced>, Refusal> {
    let Ok(Query(at)) = query else { return Err(Refusal::InvalidRequest("query")) };
    // Every id that there is fits the rule of the sender's; what does not names nothing, and may be a person's.
    let Ok(Path(id)) = id else { return Err(Refusal::UnknownSubmission) };
    let id = SubmissionId::parse(&id).map_err(|_| Refusal::UnknownSubmission)?;
    let clinic = clinic(at.clinic.as_deref())?;
    let found = app.records.named(id.as_str(), clinic.as_ref(), MOST + 1).await?;
    traced(&app, found).await
}

/// `POST /v1/look-ups`: the submissions of whoever has the phone or the e-mail. It is an act, and on record.
pub(crate) async fn by_contact(
    State(app): State<Arc<App>>,
    Extension(who): Extension<Arc<Principal>>,
    Extension(role): Extension<Role>,
    wanted: Result<Json<Wanted>, JsonRejection>,
) -> Result<Json<Traced>, Refusal> {
    let Ok(Json(Wanted { phone, email, clinic: at, purpose })) = wanted else {
        return Err(Refusal::InvalidRequest("body"));
    };
    let purpose = purpose.trim();
    // The database keeps no NUL in a text.
    if purpose.is_empty() || purpose.len() > MAX_PURPOSE || purpose.contains('\0') {
        return Err(Refusal::InvalidRequest("purpose"));
    }
    let contact = match (&phone, &email) {
        (Some(phone), None) => Contact::phone(phone.expose()).ok_or(Refusal::InvalidRequest("phone"))?,
        (None, Some(email)) => Contact::email(email.expose()).ok_or(Refusal::InvalidRequest("email"))?,
        _ => return Err(Refusal::InvalidRequest("body")),
    };
    let key = app.index.as_ref().ok_or(Refusal::NoIndexKey)?;
    let clinics: Vec<ClinicId> = match (clinic(at.as_deref())?, &app.names.clinics) {
        (Some(clinic), _) => vec![clinic],
        (None, Some(clinics)) => clinics.keys().cloned().collect(),
        // An index is of one clinic; which there are is not configured here.
        (None, None) => return Err(Refusal::InvalidRequest("clinic")),
    };
    let by = match contact.kind() {
        ContactKind::Phone => Naming::Phone,
        ContactKind::Email => Naming::Email,
    };
    let indexes = clinics.into_iter().map(|clinic| {
        let index = contact.index(&clinic, key);
        (clinic, index)
    });
    let actor = said::actor(&who, role);
    let wanted = LookUp { by, indexes: indexes.collect(), actor, purpose: purpose.to_owned() };
    let found = app.records.look_up(&wanted, MOST + 1).await?;
    tracing::info!(enduser.id = who.name, frontdesk.by = by.as_str(), "ops.looked_up");
    traced(&app, found.into_iter().map(|status| (by, status)).collect()).await
}

fn clinic(text: Option<&str>) -> Result<Option<ClinicId>, Refusal> {
    text.map(ClinicId::parse).transpose().map_err(|_| Refusal::InvalidRequest("clinic"))
}

/// What was found; where it is one, with its life.
async fn traced(app: &App, mut found: Vec<(Naming, Status)>) -> Result<Json<Traced>, Refusal> {
    let most = usize::try_from(MOST).unwrap_or(usize::MAX);
    let more = found.len() > most;
    found.truncate(most);
    let admission = match found.as_slice() {
        [] => return Err(Refusal::UnknownSubmission),
        [(_, one)] => app.records.admission(one.admission).await?,
        _ => None,
    };
    Ok(Json(Traced {
        matches: found.iter().map(|(by, status)| Match::new(*by, status)).collect(),
        more,
        admission: admission.map(|(status, timeline)| Admission::new(status, timeline)),
    }))
}
