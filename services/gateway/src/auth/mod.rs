//! Who is calling: by a signature over the body, or by an API key.

pub mod webhook;

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use domain::token::TokenHash;
use jiff::Timestamp;

use self::webhook::SignedHeaders;
use crate::{
    problem::{Kind, Refusal},
    sources::{Source, Sources},
};

/// What a request offers as proof.
pub enum Claim {
    /// An API key.
    Key(TokenHash),
    /// Standard Webhooks headers, with a timestamp in range.
    Webhook(SignedHeaders),
}

impl Claim {
    /// Reads the headers. A signature outranks an API key: it protects the body as well.
    ///
    /// # Errors
    /// [`Kind::Unauthorized`] without any proof, [`Kind::StaleTimestamp`] with an old one.
    pub fn read(headers: &HeaderMap, now: Timestamp) -> Result<Self, Refusal> {
        if let Some(signed) = SignedHeaders::read(headers, now)? {
            return Ok(Self::Webhook(signed));
        }
        let key = bearer(headers).or_else(|| headers.get("x-api-key")?.to_str().ok());
        match key {
            Some(key) if !key.is_empty() => Ok(Self::Key(TokenHash::of(key))),
            _ => Err(Kind::Unauthorized.into()),
        }
    }

    /// The webhook-id, if the claim is a signature.
    pub fn webhook_id(&self) -> Option<&str> {
        match self {
            Self::Key(_) => None,
            Self::Webhook(signed) => Some(&signed.id),
        }
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

impl Sources {
    /// The source that the claim proves. Standard Webhooks name no sender, so each secret is tried; every comparison
    /// is in constant time.
    ///
    /// # Errors
    /// [`Kind::Unauthorized`].
    pub fn verify(&self, claim: &Claim, body: &[u8]) -> Result<Arc<Source>, Refusal> {
        let proven = |source: &&Arc<Source>| match claim {
            Claim::Key(hash) => source.keys.iter().any(|key| key.matches(hash)),
            Claim::Webhook(signed) => source.secrets.iter().any(|secret| secret.verifies(signed, body)),
        };
        self.0.iter().find(proven).cloned().ok_or_else(|| Kind::Unauthorized.into())
    }
}
