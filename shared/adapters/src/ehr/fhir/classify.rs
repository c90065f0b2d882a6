//! What an answer to a write or a read means. The table is the ledger's; see the crate's tests for every row.

use jiff::Timestamp;
use serde_json::Value;

use super::{
    ETag, ReadFault, WriteOutcome,
    resource::{OperationOutcome, carries, id_of, version_of},
};
use crate::{
    ehr::{IssueCode, System},
    http::{Answer, retry_after},
};

/// What was asked of the server.
#[derive(Clone, Copy)]
pub(super) enum Asked<'a> {
    /// A resource was created; `conditional` on our identifier.
    Create { system: System, identifier: &'a str, conditional: bool },
    /// A resource was updated.
    Update { resource_type: &'a str, id: &'a str },
}

impl Asked<'_> {
    fn resource_type(&self) -> &str {
        match self {
            Self::Create { system, .. } => system.resource(),
            Self::Update { resource_type, .. } => resource_type,
        }
    }
}

/// What came of a write.
pub(super) fn write(asked: Asked<'_>, answer: &Answer, now: Timestamp) -> WriteOutcome {
    match (answer.status, asked) {
        (200..=299, _) => done(asked, answer),
        (401 | 403, _) => WriteOutcome::Unauthorized,
        (429, _) => WriteOutcome::Throttled { after: retry_after(&answer.headers, now) },
        (412, Asked::Create { conditional: true, .. }) => WriteOutcome::Conflict,
        (409 | 412, Asked::Update { .. }) => WriteOutcome::Stale { version: None },
        // Two creates met inside the server: one of them may be ours. 408: it waited for the rest of a request that we sent.
        (409, Asked::Create { .. }) | (408 | 500..=599, _) => WriteOutcome::Unknown,
        (status, _) => WriteOutcome::Rejected { status, issue: issue(answer) },
    }
}

/// What stands in the body of a 2xx.
enum Content {
    Resource(Value),
    /// Nothing, or an outcome: the server does not give the resource back.
    Nothing,
    /// Not FHIR: a proxy's page, or an answer that was cut.
    Unreadable,
}

impl Content {
    fn of(answer: &Answer, resource_type: &str) -> Self {
        match (answer.body.as_deref(), json(answer)) {
            (Some([]), _) => Self::Nothing,
            (_, Some(body)) => match body.get("resourceType").and_then(Value::as_str) {
                Some(found) if found == resource_type => Self::Resource(body),
                Some("OperationOutcome") => Self::Nothing,
                _ => Self::Unreadable,
            },
            (_, None) => Self::Unreadable,
        }
    }
}

fn done(asked: Asked<'_>, answer: &Answer) -> WriteOutcome {
    let body = match Content::of(answer, asked.resource_type()) {
        Content::Resource(body) => Some(body),
        Content::Nothing => None,
        Content::Unreadable => return WriteOutcome::Unknown,
    };
    let location = Location::of(answer, asked.resource_type());
    let named = body.as_ref().and_then(id_of).or_else(|| location.as_ref().map(|location| location.id));
    let id = match asked {
        // 200 to a create says "it was there already", by the server's reading of our condition. A server that ignored
        // the condition would hand us somebody else's record: only one that carries our identifier is believed.
        Asked::Create { system, identifier, .. } if answer.status == 200 => {
            named.filter(|_| body.as_ref().is_some_and(|body| carries(body, system, identifier)))
        }
        Asked::Create { .. } => named,
        Asked::Update { id, .. } => Some(id).filter(|id| named.is_none_or(|named| named == *id)),
    };
    match id {
        Some(id) => WriteOutcome::Done {
            id: id.to_owned(),
            version: version(answer, body.as_ref())
                .or_else(|| location.as_ref()?.version.map(ETag::of_version_id)),
        },
        None => WriteOutcome::Unknown,
    }
}

/// `[base]/Patient/<id>[/_history/<version>]`.
struct Location<'a> {
    id: &'a str,
    version: Option<&'a str>,
}

impl<'a> Location<'a> {
    fn of(answer: &'a Answer, resource_type: &str) -> Option<Self> {
        let location = answer.header("location").or_else(|| answer.header("content-location"))?;
        let mut parts = location.split('/').skip_while(|part| *part != resource_type);
        let id = parts.nth(1).filter(|id| !id.is_empty())?;
        let version = parts.next().filter(|part| *part == "_history").and_then(|_| parts.next());
        Some(Self { id, version })
    }
}

/// The version of the resource in an answer.
pub(super) fn version(answer: &Answer, body: Option<&Value>) -> Option<ETag> {
    answer.header("etag").map(ETag::new).or_else(|| version_of(body?))
}

/// The body of a successful read, or why there is none.
pub(super) fn read(answer: &Answer, now: Timestamp) -> Result<Value, ReadFault> {
    match answer.status {
        200 => json(answer).ok_or(ReadFault::Unreadable),
        404 | 410 => Err(ReadFault::Missing),
        401 | 403 => Err(ReadFault::Unauthorized),
        429 => Err(ReadFault::Throttled { after: retry_after(&answer.headers, now) }),
        408 | 500..=599 => Err(ReadFault::Unavailable),
        201..=299 => Err(ReadFault::Unreadable),
        status => Err(ReadFault::Refused { status, issue: issue(answer) }),
    }
}

fn json(answer: &Answer) -> Option<Value> {
    serde_json::from_slice(answer.body.as_deref()?).ok()
}

/// The first error's code: all that ever leaves an `OperationOutcome`, whose other texts quote values.
fn issue(answer: &Answer) -> Option<IssueCode> {
    let outcome: OperationOutcome = serde_json::from_slice(answer.body.as_deref()?).ok()?;
    outcome.code()
}
