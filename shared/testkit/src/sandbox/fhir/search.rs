//! Search by GET and by POST `_search`, page by page.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{ConnectInfo, Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};

use super::outcome::outcome;
use super::prefer::Prefer;
use super::{admit, bundle, refuse};
use crate::sandbox::app::{App, lock};
use crate::sandbox::faults::{Class, Injection, Interaction, Request, serve};
use crate::sandbox::http::{finish, pairs, text};
use crate::sandbox::listener::Cutter;
use crate::sandbox::oauth::Right;
use crate::sandbox::store::{Kind, Query};

/// Most pages whose `next` link works at one time.
const MAX_CURSORS: usize = 4_096;

/// A search and the hit that its page begins with.
struct Page {
    kind: Kind,
    pairs: Vec<(String, String)>,
    offset: usize,
}

/// Where `next` links lead. They carry a number only: the search itself may hold what must not stand in a URL.
#[derive(Default)]
pub(crate) struct Cursors {
    next: u64,
    open: BTreeMap<u64, Page>,
}

impl Cursors {
    pub(crate) fn reset(&mut self) {
        self.open.clear();
    }

    fn open(&mut self, kind: Kind, pairs: Vec<(String, String)>, offset: usize) -> u64 {
        self.next += 1;
        self.open.insert(self.next, Page { kind, pairs, offset });
        if self.open.len() > MAX_CURSORS {
            self.open.pop_first();
        }
        self.next
    }
}

pub(super) async fn by_get(
    State(app): State<Arc<App>>,
    ConnectInfo(cutter): ConnectInfo<Cutter>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    search(app, cutter, &name, pairs(query.unwrap_or_default().as_bytes()), &headers).await
}

pub(super) async fn by_post(
    State(app): State<Arc<App>>,
    ConnectInfo(cutter): ConnectInfo<Cutter>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let content_type = text(&headers, header::CONTENT_TYPE);
    if !body.is_empty() && !content_type.starts_with("application/x-www-form-urlencoded") {
        return outcome(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not-supported", "send a form", None);
    }
    let mut asked = pairs(query.unwrap_or_default().as_bytes());
    asked.extend(pairs(&body));
    search(app, cutter, &name, asked, &headers).await
}

async fn search(
    app: Arc<App>,
    cutter: Cutter,
    name: &str,
    asked: Vec<(String, String)>,
    headers: &HeaderMap,
) -> Response {
    let kind = match admit(&app, headers, name, Right::Search) {
        Ok(kind) => kind,
        Err(response) => return *response,
    };
    let (asked, offset) = match resume(&app, kind, asked) {
        Ok(found) => found,
        Err(response) => return *response,
    };
    let mut query = match Query::parse(kind, &asked, Prefer::of(headers).strictness) {
        Ok(query) => query,
        Err(error) => return outcome(StatusCode::BAD_REQUEST, "invalid", &error.to_string(), None),
    };
    query.offset = offset;
    let request =
        Request { resource: Some(kind.as_str()), ..Request::plain(Class::Ehr, Interaction::Search) };
    let injection = app.faults.decide(&request);
    if let Some((names, hide)) = &injection.ignore {
        query.ignore(names, *hide);
    }
    let as_of = as_of(&injection, app.now());
    let searcher = Arc::clone(&app);
    let served = serve(injection, &app.stop, move || run(&searcher, kind, &query, as_of)).await;
    finish(&cutter, served, refuse)
}

/// The search behind a `next` link, or the one that was asked for, from its first hit.
type Resumed = (Vec<(String, String)>, usize);

fn resume(app: &App, kind: Kind, asked: Vec<(String, String)>) -> Result<Resumed, Box<Response>> {
    let Some((_, number)) = asked.iter().find(|(name, _)| name == "_page") else { return Ok((asked, 0)) };
    let cursors = lock(&app.cursors);
    match number.parse().ok().and_then(|number: u64| cursors.open.get(&number)) {
        Some(page) if page.kind == kind => Ok((page.pairs.clone(), page.offset)),
        _ => Err(Box::new(outcome(StatusCode::GONE, "not-found", "this page is no longer kept", None))),
    }
}

fn as_of(injection: &Injection, now: Timestamp) -> Option<Timestamp> {
    let lag = SignedDuration::try_from(injection.lag?).ok()?;
    Some(now.checked_sub(lag).unwrap_or(Timestamp::MIN))
}

fn run(app: &App, kind: Kind, query: &Query, as_of: Option<Timestamp>) -> Response {
    let found = lock(&app.store).search(kind, query, as_of);
    let next = query.offset + found.page.len();
    let more = !found.page.is_empty() && next < found.total;
    let cursor = more.then(|| lock(&app.cursors).open(kind, query.applied.clone(), next));
    bundle::answer(&app.addresses.fhir_url, kind, query, &found, cursor)
}

/// Whether a search would be understood in full; for the capability statement's test.
#[cfg(test)]
pub(super) fn understood(kind: Kind, name: &str) -> bool {
    use crate::sandbox::store::Strictness;
    let value = match name {
        "_lastUpdated" | "birthdate" | "start" | "date" => "2027-01-01",
        _ => "x",
    };
    Query::parse(kind, &[(name.to_owned(), value.to_owned())], Strictness::Strict).is_ok()
}
