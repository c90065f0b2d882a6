//! One request to the server: its URL, its headers, its token.

use std::{sync::Arc, time::Duration};

use reqwest::{
    Method, Request, Url,
    header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, IF_MATCH},
};

use super::{ETag, FhirEhr, ReadFault, WriteOutcome};
use crate::{
    ehr::oauth::NoToken,
    http::{Answer, Deadline, Missed, exchange},
    setup::Secret,
};

const FHIR_JSON: &str = "application/fhir+json";

/// A request.
pub(super) struct Call<'a> {
    /// The parts of the path below the base; each is escaped.
    pub(super) path: &'a [&'a str],
    pub(super) body: Body<'a>,
}

impl Call<'_> {
    /// The address without its ids: a resource's type, and what is asked of it.
    fn template(&self) -> String {
        match self.path {
            [] => "{page}".to_owned(),
            [kind] => (*kind).to_owned(),
            [kind, "_search"] => format!("{kind}/_search"),
            [kind, ..] => format!("{kind}/{{id}}"),
        }
    }
}

pub(super) enum Body<'a> {
    /// `GET` with a query.
    Read(&'a [(&'a str, &'a str)]),
    /// `GET` of a further page, at a URL that was checked to be this server's.
    Page(&'a Url),
    /// `POST` of a form to `_search`.
    Search(&'a [(&'a str, &'a str)]),
    /// `POST` of a resource, conditional on a search where one is given.
    Create { json: Vec<u8>, if_none_exist: Option<String> },
    /// `PUT` of a resource over a version.
    Update { json: Vec<u8>, if_match: Option<&'a ETag> },
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoAnswer {
    NotSent,
    Throttled(Duration),
    Unauthorized,
    Unknown,
}

impl From<NoAnswer> for WriteOutcome {
    fn from(reason: NoAnswer) -> Self {
        match reason {
            NoAnswer::NotSent => Self::NotSent,
            NoAnswer::Throttled(after) => Self::Throttled { after },
            NoAnswer::Unauthorized => Self::Unauthorized,
            NoAnswer::Unknown => Self::Unknown,
        }
    }
}

impl From<NoAnswer> for ReadFault {
    fn from(reason: NoAnswer) -> Self {
        match reason {
            NoAnswer::NotSent | NoAnswer::Unknown => Self::Unavailable,
            NoAnswer::Throttled(after) => Self::Throttled { after },
            NoAnswer::Unauthorized => Self::Unauthorized,
        }
    }
}

impl FhirEhr {
    /// Sends a request once; twice only if the first was answered with 401 and a fresh token can be had: a server that
    /// does not know who we are has done nothing.
    pub(super) async fn call(&self, call: &Call<'_>, deadline: Deadline) -> Result<Answer, NoAnswer> {
        let token = self.token(None, deadline).await?;
        let answer = self.send(call, token.as_deref(), deadline).await?;
        if answer.status != 401 || token.is_none() {
            return Ok(answer);
        }
        let fresh = self.token(token.as_ref(), deadline).await?;
        self.send(call, fresh.as_deref(), deadline).await
    }

    async fn token(
        &self,
        refused: Option<&Arc<Secret>>,
        deadline: Deadline,
    ) -> Result<Option<Arc<Secret>>, NoAnswer> {
        let Some(tokens) = &self.tokens else { return Ok(None) };
        tokens.get(refused, deadline).await.map(Some).map_err(|reason| match reason {
            NoToken::Unavailable => NoAnswer::NotSent,
            NoToken::Throttled(after) => NoAnswer::Throttled(after),
            NoToken::Refused => NoAnswer::Unauthorized,
        })
    }

    async fn send(
        &self,
        call: &Call<'_>,
        token: Option<&Secret>,
        deadline: Deadline,
    ) -> Result<Answer, NoAnswer> {
        // What cannot be built was not sent.
        let request = self.request(call, token).ok_or(NoAnswer::NotSent)?;
        exchange(&self.http, request, deadline, &call.template()).await.map_err(|missed| match missed {
            Missed::NotSent => NoAnswer::NotSent,
            Missed::Unknown => NoAnswer::Unknown,
        })
    }

    fn request(&self, call: &Call<'_>, token: Option<&Secret>) -> Option<Request> {
        let url = match call.body {
            Body::Page(url) => url.clone(),
            _ => self.url(call.path)?,
        };
        let method = match call.body {
            Body::Read(_) | Body::Page(_) => Method::GET,
            Body::Search(_) | Body::Create { .. } => Method::POST,
            Body::Update { .. } => Method::PUT,
        };
        let mut request = self.http.request(method, url).header(ACCEPT, HeaderValue::from_static(FHIR_JSON));
        if let Some(token) = token {
            request = request.bearer_auth(token.reveal());
        }
        request = match &call.body {
            Body::Read(query) => request.query(query).header(CACHE_CONTROL, "no-cache"),
            Body::Page(_) => request.header(CACHE_CONTROL, "no-cache"),
            // Some servers answer a repeated search from a cache, which is no answer to "did my write land?".
            Body::Search(form) => {
                request.form(form).header(CACHE_CONTROL, "no-cache").header("Prefer", "handling=strict")
            }
            Body::Create { json, if_none_exist } => {
                let request = request
                    .header(CONTENT_TYPE, HeaderValue::from_static(FHIR_JSON))
                    .header("Prefer", "return=representation")
                    .body(json.clone());
                match if_none_exist {
                    Some(search) => request.header("If-None-Exist", search),
                    None => request,
                }
            }
            Body::Update { json, if_match } => {
                let request = request
                    .header(CONTENT_TYPE, HeaderValue::from_static(FHIR_JSON))
                    .header("Prefer", "return=representation")
                    .body(json.clone());
                match if_match {
                    Some(version) => request.header(IF_MATCH, version.as_str()),
                    None => request,
                }
            }
        };
        request.build().ok()
    }

    fn url(&self, path: &[&str]) -> Option<Url> {
        // A URL treats these as nothing and as "one up": a write would land elsewhere.
        if path.iter().any(|part| matches!(*part, "" | "." | "..")) {
            return None;
        }
        let mut url = self.base.clone();
        url.path_segments_mut().ok()?.pop_if_empty().extend(path);
        Some(url)
    }
}
