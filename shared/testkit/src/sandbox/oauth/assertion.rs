//! Checks a client's assertion, every claim of it.

use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Validation, dangerous, decode, decode_header};
use serde::Deserialize;

use super::{Authority, Client};

/// An assertion may live so long at most (SMART: five minutes); clocks may differ a little.
const MAX_LIFE: SignedDuration = SignedDuration::from_secs(300);
const LEEWAY: SignedDuration = SignedDuration::from_secs(5);

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    jti: String,
    exp: i64,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    fn contains(&self, wanted: &str) -> bool {
        match self {
            Self::One(audience) => audience == wanted,
            Self::Many(audiences) => audiences.iter().any(|audience| audience == wanted),
        }
    }
}

impl Authority {
    /// The client that an assertion proves, or what is wrong with it.
    pub(super) fn verify(&self, assertion: &str, now: Timestamp) -> Result<&Client, &'static str> {
        let header = decode_header(assertion).map_err(|_| "the assertion is not a JWT")?;
        // Which client it claims to be decides whose keys check it; nothing else is taken from the unchecked part.
        let claimed: Claims = dangerous::insecure_decode_claims(assertion)
            .map_err(|_| "iss, sub, aud, jti or exp is missing")?;
        let client = self.clients.get(&claimed.iss).ok_or("the client is not registered")?;
        let mut keys = client.keys.iter().filter(|key| {
            key.algorithm == header.alg && (key.id.is_none() || header.kid.is_none() || key.id == header.kid)
        });
        let claims = keys
            .find_map(|key| {
                let mut validation = Validation::new(key.algorithm);
                // Times and audience are checked below, by the sandbox's own clock.
                validation.validate_exp = false;
                validation.validate_aud = false;
                validation.required_spec_claims.clear();
                decode::<Claims>(assertion, &key.key, &validation).ok()
            })
            .ok_or("the signature is not by a registered key (RS384 or ES384)")?
            .claims;
        self.check(&claims, now)?;
        Ok(client)
    }

    fn check(&self, claims: &Claims, now: Timestamp) -> Result<(), &'static str> {
        if claims.iss != claims.sub {
            return Err("iss and sub differ");
        }
        if !self.audiences.iter().any(|audience| claims.aud.contains(audience)) {
            return Err("aud is not this token endpoint");
        }
        let expires_at = Timestamp::from_second(claims.exp).map_err(|_| "exp is not a time")?;
        let left = expires_at.duration_since(now);
        if left < -LEEWAY {
            return Err("the assertion has expired");
        }
        if left > MAX_LIFE + LEEWAY {
            return Err("exp is more than five minutes ahead");
        }
        if claims.jti.is_empty() || !self.first_use(&claims.iss, &claims.jti, expires_at + LEEWAY, now) {
            return Err("jti was used before");
        }
        Ok(())
    }
}
