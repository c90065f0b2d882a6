//! What came of a call to an EHR, as the ledger needs to know it.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

/// A resource's version, as the server names it: opaque, quotes and weakness mark included, as in an `ETag` header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ETag(String);

impl ETag {
    /// Takes the value of an `ETag` header.
    pub fn new(header: impl Into<String>) -> Self {
        Self(header.into())
    }

    /// The ETag of a FHIR `meta.versionId`: `W/"<version>"`.
    pub fn of_version_id(version: &str) -> Self {
        Self(format!("W/\"{version}\""))
    }

    /// The value for an `If-Match` header.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether both name the same version: servers write one version weak in one place and strong in another.
    pub fn same(&self, other: &Self) -> bool {
        let bare = |tag: &'_ Self| tag.0.trim().trim_start_matches("W/").trim_matches('"').to_owned();
        bare(self) == bare(other)
    }
}

/// What came of a write.
#[derive(Clone, PartialEq, Eq)]
pub enum WriteOutcome {
    /// It is there.
    Done {
        /// The EHR's id of the resource.
        id: String,
        /// Its version, if the server says.
        version: Option<ETag>,
    },
    /// The resource changed since we read it, or somebody else took the slot. Without effect: read again.
    Stale {
        /// The present version, if it was seen.
        version: Option<ETag>,
    },
    /// Several resources already carry the identifier, or the one that does is not what we would write. A person decides.
    Conflict,
    /// Without effect, and the server asks to wait.
    Throttled {
        /// At least this long.
        after: Duration,
    },
    /// Provably never sent.
    NotSent,
    /// Refused for good, without effect.
    Rejected {
        /// The HTTP status.
        status: u16,
        /// The first error's code in the `OperationOutcome`.
        issue: Option<IssueCode>,
    },
    /// The server does not let us, without effect; a fresh token did not help.
    Unauthorized,
    /// It may or may not be there: search, never write again.
    Unknown,
}

impl fmt::Debug for WriteOutcome {
    /// Without the id, which is a record number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done { version, .. } => {
                f.debug_struct("Done").field("version", version).finish_non_exhaustive()
            }
            Self::Stale { version } => f.debug_struct("Stale").field("version", version).finish(),
            Self::Conflict => f.write_str("Conflict"),
            Self::Throttled { after } => f.debug_struct("Throttled").field("after", after).finish(),
            Self::NotSent => f.write_str("NotSent"),
            Self::Rejected { status, issue } => {
                f.debug_struct("Rejected").field("status", status).field("issue", issue).finish()
            }
            Self::Unauthorized => f.write_str("Unauthorized"),
            Self::Unknown => f.write_str("Unknown"),
        }
    }
}

/// Why something could not be read. Nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadFault {
    /// There is none.
    Missing,
    /// No answer, or one that says "not now". May work later.
    Unavailable,
    /// The server asks to wait.
    Throttled {
        /// At least this long.
        after: Duration,
    },
    /// The server does not let us; a fresh token did not help.
    Unauthorized,
    /// The server refuses the question for good.
    Refused {
        /// The HTTP status.
        status: u16,
        /// The first error's code in the `OperationOutcome`.
        issue: Option<IssueCode>,
    },
    /// The answer cannot be read, or is not one to this question: a search that ignored our parameter and has more pages.
    Unreadable,
}

macro_rules! issue_codes {
    ($($code:literal),* $(,)?) => {
        /// A FHIR R4 `issue-type` code: a closed list, so that a server cannot put words of its own into our logs.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct IssueCode(&'static str);

        impl IssueCode {
            /// The code, if it is one of the value set <http://hl7.org/fhir/R4/valueset-issue-type.html>.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($code => Some(Self($code)),)* _ => None }
            }

            /// The code.
            pub const fn as_str(self) -> &'static str {
                self.0
            }
        }
    };
}

issue_codes![
    "invalid",
    "structure",
    "required",
    "value",
    "invariant",
    "security",
    "login",
    "unknown",
    "expired",
    "forbidden",
    "suppressed",
    "processing",
    "not-supported",
    "duplicate",
    "multiple-matches",
    "not-found",
    "deleted",
    "too-long",
    "code-invalid",
    "extension",
    "too-costly",
    "business-rule",
    "conflict",
    "transient",
    "lock-error",
    "no-store",
    "exception",
    "timeout",
    "incomplete",
    "throttled",
    "informational",
];

#[cfg(test)]
mod tests {
    use super::{ETag, IssueCode, WriteOutcome};

    #[test]
    fn etags_are_opaque_but_comparable() {
        assert!(ETag::new("W/\"a-1\"").same(&ETag::new("\"a-1\"")));
        assert!(ETag::of_version_id("a-1").same(&ETag::new("a-1")));
        assert!(!ETag::new("W/\"1\"").same(&ETag::new("W/\"2\"")));
    }

    #[test]
    fn debug_shows_no_record_number() {
        let done = WriteOutcome::Done { id: "MRN-77".to_owned(), version: None };
        assert!(!format!("{done:?}").contains("MRN-77"));
    }

    #[test]
    fn issue_codes_are_a_closed_list() {
        assert_eq!(IssueCode::parse("duplicate").map(IssueCode::as_str), Some("duplicate"));
        assert_eq!(IssueCode::parse("Jane Doe"), None);
    }
}
