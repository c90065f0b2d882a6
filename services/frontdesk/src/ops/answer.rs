//! What the ops API answers: what was asked for, that there is nothing, or why it refuses.

use anyhow::{Context as _, bail};
use reqwest::{RequestBuilder, Response, StatusCode};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::{Ops, letters::Query};
use crate::{exit::NothingMatched, output};

/// Refusals that mean that there is nothing to do it to, and what is said of them.
const NOTHING: [(&str, &str); 7] = [
    ("nothing_matched", "no open dead letter is of the kind; what there is: frontdesk dlq groups"),
    ("unknown_plan", "there is no such plan; which there are: frontdesk dlq plans"),
    ("nothing_waits", "nothing of the plan waits to be replayed; why: frontdesk dlq plan show PLAN"),
    ("unknown_discard", "there is no such request; which there are: frontdesk dlq approvals"),
    ("unknown_letter", "there is no such dead letter; which there are: frontdesk dlq list"),
    ("field_empty", "the letter has nothing in this field"),
    ("no_edit", "no edit of this letter stands; what it is: frontdesk dlq show ID"),
];

#[derive(Deserialize)]
struct Problem {
    code: String,
    field: Option<String>,
    detail: String,
}

/// An answer that says yes; what the API refuses is told with what to do about it.
pub(super) async fn answered(request: RequestBuilder) -> anyhow::Result<Response> {
    accepted(sent(request).await?).await
}

/// The same, as what it holds.
pub(super) async fn told<T: DeserializeOwned>(request: RequestBuilder) -> anyhow::Result<T> {
    Ok(answered(request).await?.json().await?)
}

/// The same; `None` if there is no such thing.
pub(super) async fn found<T: DeserializeOwned>(request: RequestBuilder) -> anyhow::Result<Option<T>> {
    let answer = sent(request).await?;
    if answer.status() == StatusCode::NOT_FOUND {
        return Ok(None);
    }
    Ok(Some(accepted(answer).await?.json().await?))
}

async fn sent(request: RequestBuilder) -> anyhow::Result<Response> {
    let answer = request.send().await;
    answer.map_err(|error| anyhow::Error::new(error.without_url())).context("the ops API does not answer")
}

async fn accepted(answer: Response) -> anyhow::Result<Response> {
    let status = answer.status();
    match status {
        _ if status.is_success() => return Ok(answer),
        StatusCode::UNAUTHORIZED => bail!("the ops API does not know the token"),
        StatusCode::FORBIDDEN => bail!("the token's roles do not allow it: ask somebody who has the role"),
        _ => {}
    }
    let Ok(Problem { code, field, detail }) = answer.json::<Problem>().await else {
        bail!("the ops API answers {status}");
    };
    if let Some((_, said)) = NOTHING.iter().find(|(name, _)| *name == code) {
        return Err(NothingMatched((*said).to_owned()).into());
    }
    let code = [Some(code), field].into_iter().flatten().collect::<Vec<_>>().join(" ");
    bail!("the ops API refuses it: {code}. {detail}")
}

/// A list that comes in pages.
pub(super) struct List<'a> {
    /// Where.
    pub(super) path: &'a str,
    /// The member of a page that has its rows.
    pub(super) rows: &'a str,
    /// The parameter that takes a page's `next`.
    pub(super) from: &'static str,
    /// Rows of a page at most.
    pub(super) page: usize,
}

impl List<'_> {
    /// Its rows, so many at most, as the API writes them. That there are more is said on stderr: a list that ends silently is taken for all.
    ///
    /// # Errors
    /// If the API refuses it or does not answer.
    pub(super) async fn read(&self, ops: &Ops, query: &Query, most: usize) -> anyhow::Result<Vec<Value>> {
        let mut all = Vec::new();
        let mut next = None;
        while all.len() < most {
            let (rows, after) = self.page(ops, query, next, most - all.len()).await?;
            all.extend(rows);
            next = after;
            if next.is_none() {
                return Ok(all);
            }
        }
        // A page that is full may be the last.
        if !self.page(ops, query, next, 1).await?.0.is_empty() {
            output::ending(&format!("the first {most}, and there are more: --limit N for N of them"));
        }
        Ok(all)
    }

    /// A page, of so many rows at most, and what the next one comes after.
    async fn page(
        &self,
        ops: &Ops,
        query: &Query,
        after: Option<String>,
        rows: usize,
    ) -> anyhow::Result<(Vec<Value>, Option<String>)> {
        let mut query = query.clone();
        query.push(("limit", rows.min(self.page).to_string()));
        query.extend(after.map(|after| (self.from, after)));
        let mut page: Value = told(ops.get(self.path).query(&query)).await?;
        let Value::Array(rows) = page[self.rows].take() else { return Ok((Vec::new(), None)) };
        let next = match page["next"].take() {
            Value::String(id) => Some(id),
            Value::Number(nth) => Some(nth.to_string()),
            _ => None,
        };
        Ok((rows, next))
    }
}
