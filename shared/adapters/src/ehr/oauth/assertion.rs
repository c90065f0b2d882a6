//! The signed assertion (RFC 7523) that stands for the client's secret.

use domain::clock::Clock;
use jiff::SignedDuration;
use jsonwebtoken::{EncodingKey, Header, encode};
use serde::{Deserialize, Serialize};

use super::Registration;
use crate::setup::{Secret, SetupError};

/// SMART allows five minutes at most; a little less forgives clocks that differ.
const LIFE: SignedDuration = SignedDuration::from_mins(4);

/// How an assertion is signed: the two that SMART requires servers to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub enum Algorithm {
    /// RSA, SHA-384.
    RS384,
    /// ECDSA over P-384, SHA-384.
    #[default]
    ES384,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    jti: String,
    iat: i64,
    exp: i64,
}

pub(super) struct Signer {
    key: EncodingKey,
    header: Header,
    client_id: String,
    audience: String,
}

impl Signer {
    pub(super) fn new(
        registration: &Registration,
        pem: &Secret,
        clock: &dyn Clock,
    ) -> Result<Self, SetupError> {
        let pem = pem.reveal().as_bytes();
        let (key, algorithm) = match registration.algorithm {
            Algorithm::RS384 => (EncodingKey::from_rsa_pem(pem), jsonwebtoken::Algorithm::RS384),
            Algorithm::ES384 => (EncodingKey::from_ec_pem(pem), jsonwebtoken::Algorithm::ES384),
        };
        let key =
            key.map_err(|_| SetupError::new("key_file", "is not a PEM private key for the algorithm"))?;
        let header = Header { kid: Some(registration.key_id.clone()), ..Header::new(algorithm) };
        let signer = Self {
            key,
            header,
            client_id: registration.client_id.clone(),
            audience: registration.token_url.to_string(),
        };
        // A key that reads may still not sign (a P-256 key for ES384): found now rather than at the first patient.
        signer.sign(clock).map_err(|_| SetupError::new("key_file", "cannot sign by the algorithm"))?;
        Ok(signer)
    }

    pub(super) fn sign(&self, clock: &dyn Clock) -> Result<Secret, jsonwebtoken::errors::Error> {
        let now = clock.now().as_second();
        let claims = Claims {
            iss: &self.client_id,
            sub: &self.client_id,
            aud: &self.audience,
            jti: clock.fresh_id().to_string(),
            iat: now,
            exp: now + LIFE.as_secs(),
        };
        encode(&self.header, &claims, &self.key).map(Secret::new)
    }
}
