//! `GET /v1/outcomes`: one row for each admission, as NDJSON, streamed.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use domain::ports::StoreDown;
use futures_util::stream;
use ledger::read::{OutcomeFilter, OutcomePage, OutcomeRow};

use crate::{
    App,
    ports::Records,
    problem::Refusal,
    query::{self, Selection},
};

/// Streams all outcomes of the filter. If the database goes away in between, the answer is cut, so that half is not taken for all.
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    query: Result<Query<Selection>, QueryRejection>,
) -> Result<Response, Refusal> {
    let filter = query::filter(query)?;
    let first = app.records.outcomes(&filter, None).await?;
    let pages = Pages { records: Arc::clone(&app.records), filter, page: Some(first) };
    let mut response = Body::from_stream(stream::try_unfold(pages, Pages::turn)).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    Ok(response)
}

struct Pages {
    records: Arc<dyn Records>,
    filter: OutcomeFilter,
    /// Read and not yet sent.
    page: Option<OutcomePage>,
}

impl Pages {
    async fn turn(mut self) -> Result<Option<(Bytes, Self)>, StoreDown> {
        let Some(page) = self.page.take() else { return Ok(None) };
        if let Some(next) = page.next {
            self.page = Some(self.records.outcomes(&self.filter, Some(next)).await?);
        }
        Ok(Some((lines(&page.rows), self)))
    }
}

fn lines(rows: &[OutcomeRow]) -> Bytes {
    let mut out = Vec::with_capacity(rows.len() * 256);
    for row in rows {
        // Writing a plain struct to memory does not fail.
        if serde_json::to_writer(&mut out, row).is_ok() {
            out.push(b'\n');
        }
    }
    out.into()
}
