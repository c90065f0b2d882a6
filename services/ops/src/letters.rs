//! `/v1/dead-letters`: what died, by cause and one by one. Never a body.

use std::sync::Arc;

use axum::{
    Json,
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
};
use domain::{ClinicId, Code, LaneName, Stage, ids::LetterId};
use jiff::Timestamp;
use ledger::letters::{LetterFilter, LetterGroup, LetterPage, LetterState};
use serde::Deserialize;

use crate::{App, problem::Refusal, views::Letter};

/// Letters of a page, if the query does not say.
const PAGE: u32 = 100;
/// Letters of a page at most.
const LARGEST_PAGE: u32 = 500;
/// Longest fingerprint, bytes.
const MAX_FINGERPRINT: usize = 500;

/// Which dead letters, and which page of them; all optional.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    pub(crate) clinic: Option<String>,
    pub(crate) stage: Option<String>,
    pub(crate) lane: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) fingerprint: Option<String>,
    pub(crate) since: Option<Timestamp>,
    pub(crate) state: Option<String>,
    pub(crate) after: Option<String>,
    pub(crate) limit: Option<u32>,
}

impl Wanted {
    pub(crate) fn filter(&self) -> Result<LetterFilter, Refusal> {
        let too_long = |text: &&String| text.len() > MAX_FINGERPRINT;
        if self.fingerprint.as_ref().filter(too_long).is_some() {
            return Err(Refusal::InvalidRequest("fingerprint"));
        }
        Ok(LetterFilter {
            clinic: read::<ClinicId>(self.clinic.as_deref(), "clinic")?,
            stage: read::<Stage>(self.stage.as_deref(), "stage")?,
            lane: read::<LaneName>(self.lane.as_deref(), "lane")?,
            code: read::<Code>(self.code.as_deref(), "code")?,
            fingerprint: self.fingerprint.clone(),
            since: self.since,
            state: read::<LetterState>(self.state.as_deref(), "state")?,
        })
    }
}

pub(crate) fn read<T: std::str::FromStr>(
    text: Option<&str>,
    name: &'static str,
) -> Result<Option<T>, Refusal> {
    text.map(str::parse).transpose().map_err(|_| Refusal::InvalidRequest(name))
}

/// `GET /v1/dead-letters/groups`.
pub(crate) async fn groups(
    State(app): State<Arc<App>>,
    query: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<Vec<LetterGroup>>, Refusal> {
    let Ok(Query(wanted)) = query else { return Err(Refusal::InvalidRequest("query")) };
    // There is one page of groups.
    if wanted.after.is_some() || wanted.limit.is_some() {
        return Err(Refusal::InvalidRequest("query"));
    }
    Ok(Json(app.records.letter_groups(&wanted.filter()?).await?))
}

/// `GET /v1/dead-letters`.
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    query: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<LetterPage>, Refusal> {
    let Ok(Query(wanted)) = query else { return Err(Refusal::InvalidRequest("query")) };
    let limit = wanted.limit.unwrap_or(PAGE);
    if !(1..=LARGEST_PAGE).contains(&limit) {
        return Err(Refusal::InvalidRequest("limit"));
    }
    let after = read::<LetterId>(wanted.after.as_deref(), "after")?;
    Ok(Json(app.records.letters(&wanted.filter()?, after, limit).await?))
}

/// `GET /v1/dead-letters/{id}`: with the life of its submission, if it was admitted.
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<Letter>, Refusal> {
    let Ok(Path(id)) = id else { return Err(Refusal::UnknownLetter) };
    let id = id.parse::<LetterId>().map_err(|_| Refusal::UnknownLetter)?;
    let letter = app.records.letter(id).await?.ok_or(Refusal::UnknownLetter)?;
    let life = match letter.admission_id {
        Some(admission) => app.records.admission(admission).await?,
        None => None,
    };
    let crash = match letter.message_id {
        Some(message) if letter.code == Some(Code::Poison) => app.records.crash(message).await?,
        _ => None,
    };
    let edits = app.records.edits(id).await?;
    Ok(Json(Letter::new(letter, edits, life, crash)))
}
