//! `GET /v1/acts`: what people did, and why.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
};
use jiff::Timestamp;
use ledger::acts::{ActFilter, What};
use serde::Deserialize;

use crate::{App, problem::Refusal, views::Acts};

/// Acts of a page, if the caller does not say.
const PAGE: u32 = 100;
/// At most so many.
const MAX_PAGE: u32 = 1000;

/// `?actor=…&what=…&scope=…&from=…&until=…&before=…&limit=…`, all optional.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Selection {
    actor: Option<String>,
    what: Option<String>,
    scope: Option<String>,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
    before: Option<i64>,
    limit: Option<u32>,
}

/// A page of acts, newest first.
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    query: Result<Query<Selection>, QueryRejection>,
) -> Result<Json<Acts>, Refusal> {
    let Ok(Query(selection)) = query else { return Err(Refusal::InvalidRequest("query")) };
    let what = selection.what.map(|text| text.parse::<What>()).transpose();
    let limit = selection.limit.unwrap_or(PAGE);
    if !(1..=MAX_PAGE).contains(&limit) {
        return Err(Refusal::InvalidRequest("limit"));
    }
    let filter = ActFilter {
        actor: selection.actor,
        what: what.map_err(|_| Refusal::InvalidRequest("what"))?,
        scope: selection.scope,
        from: selection.from,
        until: selection.until,
    };
    // One more than asked for tells whether there is a next page.
    let mut acts = app.records.acts(&filter, selection.before, limit + 1).await?;
    let asked = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = acts.len() > asked;
    acts.truncate(asked);
    let next = acts.last().filter(|_| more).map(|act| act.seq);
    Ok(Json(Acts { acts: acts.into_iter().map(Into::into).collect(), next }))
}
