//! What a rule can be about.

use serde::{Deserialize, Serialize};

/// A class of endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// The FHIR server.
    Ehr,
    /// The payer, JSON and X12.
    Payer,
    /// The SMS provider.
    Sms,
    /// The mail server: a fault strikes at the end of `DATA`.
    Smtp,
    /// The OAuth token endpoint.
    Token,
}

impl Class {
    /// The name in rules and reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ehr => "ehr",
            Self::Payer => "payer",
            Self::Sms => "sms",
            Self::Smtp => "smtp",
            Self::Token => "token",
        }
    }
}

/// What a request does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Interaction {
    /// FHIR create.
    Create,
    /// FHIR update.
    Update,
    /// FHIR read and vread.
    Read,
    /// FHIR search.
    Search,
    /// A text or a mail.
    Send,
    /// An eligibility question.
    Ask,
    /// A token.
    Token,
}

impl Interaction {
    /// The name in rules and in the log of writes.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Read => "read",
            Self::Search => "search",
            Self::Send => "send",
            Self::Ask => "ask",
            Self::Token => "token",
        }
    }
}
