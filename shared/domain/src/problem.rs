//! Problem documents (RFC 9457): how every HTTP door of Frontdesk says no.

use serde::Serialize;

use crate::CorrelationId;

/// The media type of a problem document.
pub const CONTENT_TYPE: &str = "application/problem+json";

/// A problem document. Every text in it is known at compile time: nothing that a sender wrote can get into one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Stable URI of the kind of problem: `urn:frontdesk:problem:<code>`.
    pub r#type: String,
    /// What is wrong, the same for every occurrence.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What to do about it.
    pub detail: &'static str,
    /// The code, for programs.
    pub code: &'static str,
    /// The member of the body that is meant, such as `submitted_at`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<&'static str>,
    /// Quote this when asking for help.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<CorrelationId>,
}

impl Problem {
    /// A problem of the kind `code`.
    pub fn new(status: u16, code: &'static str, title: &'static str, detail: &'static str) -> Self {
        Self {
            r#type: format!("urn:frontdesk:problem:{code}"),
            title,
            status,
            detail,
            code,
            field: None,
            correlation_id: None,
        }
    }
}
