//! Standard Webhooks: HMAC-SHA256 over `webhook-id.webhook-timestamp.body` (<https://www.standardwebhooks.com>).

use aws_lc_rs::{
    constant_time::verify_slices_are_equal,
    hmac::{Context, HMAC_SHA256, Key},
};
use axum::http::HeaderMap;
use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::{SignedDuration, Timestamp};

use crate::problem::{Kind, Refusal};

/// How far a timestamp may be off, either way.
pub const TOLERANCE: SignedDuration = SignedDuration::from_mins(5);
/// Signatures looked at in one header: enough for any rotation of keys.
const MAX_SIGNATURES: usize = 8;
/// Longest webhook-id, bytes.
const MAX_ID: usize = 256;

/// A shared secret.
pub(crate) struct WebhookSecret(Key);

/// The secret cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a webhook secret must be `whsec_` and the base64 of 24 to 64 random bytes")]
pub struct BadSecret;

impl WebhookSecret {
    pub(crate) fn parse(text: &str) -> Result<Self, BadSecret> {
        let encoded = text.strip_prefix("whsec_").ok_or(BadSecret)?;
        let bytes = STANDARD.decode(encoded).map_err(|_| BadSecret)?;
        if !(24..=64).contains(&bytes.len()) {
            return Err(BadSecret);
        }
        Ok(Self(Key::new(HMAC_SHA256, &bytes)))
    }

    pub(crate) fn verifies(&self, signed: &SignedHeaders, body: &[u8]) -> bool {
        let mut context = Context::with_key(&self.0);
        for part in [signed.id.as_bytes(), b".", signed.timestamp.as_bytes(), b".", body] {
            context.update(part);
        }
        let expected = context.sign();
        signed.signatures.iter().any(|given| verify_slices_are_equal(given, expected.as_ref()).is_ok())
    }
}

/// The three headers, read.
pub struct SignedHeaders {
    /// `webhook-id`: the same for every retry of one message.
    pub id: String,
    timestamp: String,
    signatures: Vec<Vec<u8>>,
}

impl SignedHeaders {
    /// Reads the headers; `None` if the request carries no signature.
    ///
    /// # Errors
    /// [`Kind::Unauthorized`] if they are not complete or not readable, [`Kind::StaleTimestamp`].
    pub fn read(headers: &HeaderMap, now: Timestamp) -> Result<Option<Self>, Refusal> {
        let Some(signature) = headers.get("webhook-signature") else { return Ok(None) };
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let (Ok(signature), Some(id), Some(timestamp)) =
            (signature.to_str(), text("webhook-id"), text("webhook-timestamp"))
        else {
            return Err(Kind::Unauthorized.into());
        };
        if id.is_empty() || id.len() > MAX_ID {
            return Err(Kind::Unauthorized.into());
        }
        let at = timestamp.parse().ok().and_then(|second| Timestamp::from_second(second).ok());
        let at = at.ok_or(Kind::Unauthorized)?;
        if now.duration_since(at).abs() > TOLERANCE {
            return Err(Kind::StaleTimestamp.into());
        }
        let signatures = signature
            .split(' ')
            .filter_map(|one| one.strip_prefix("v1,"))
            .filter_map(|encoded| STANDARD.decode(encoded).ok())
            .take(MAX_SIGNATURES)
            .collect();
        Ok(Some(Self { id: id.to_owned(), timestamp: timestamp.to_owned(), signatures }))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;
    use jiff::Timestamp;

    use super::{BadSecret, SignedHeaders, WebhookSecret};
    use crate::problem::Kind;

    const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    const OTHER: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX";
    const BODY: &str = r#"{"a":1}"#;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// Headers as the reference library makes them.
    fn signed(secrets: &[&str], body: &str, second: i64) -> HeaderMap {
        let signatures: Vec<String> = secrets
            .iter()
            .map(|secret| {
                standardwebhooks::Webhook::new(secret)
                    .unwrap()
                    .sign("msg_1", second, body.as_bytes())
                    .unwrap()
            })
            .collect();
        let mut headers = HeaderMap::new();
        headers.insert("webhook-id", "msg_1".parse().unwrap());
        headers.insert("webhook-timestamp", second.to_string().parse().unwrap());
        headers.insert("webhook-signature", signatures.join(" ").parse().unwrap());
        headers
    }

    fn verifies(headers: &HeaderMap, body: &str) -> bool {
        let read = SignedHeaders::read(headers, at(1000)).unwrap().unwrap();
        WebhookSecret::parse(SECRET).unwrap().verifies(&read, body.as_bytes())
    }

    #[test]
    fn verifies_what_the_reference_library_signs() {
        assert!(verifies(&signed(&[SECRET], BODY, 1000), BODY));
        assert!(verifies(&signed(&[OTHER, SECRET], BODY, 1000), BODY), "any of the list");
        assert!(!verifies(&signed(&[OTHER], BODY, 1000), BODY));
        assert!(!verifies(&signed(&[SECRET], BODY, 1000), "{}"), "another body");
        let mut headers = signed(&[SECRET], BODY, 1000);
        headers.insert("webhook-id", "msg_2".parse().unwrap());
        assert!(!verifies(&headers, BODY), "another id");
        headers = signed(&[SECRET], BODY, 1000);
        headers.insert("webhook-timestamp", "1001".parse().unwrap());
        assert!(!verifies(&headers, BODY), "another time");
    }

    #[test]
    fn five_minutes_either_way() {
        let read = |now| SignedHeaders::read(&signed(&[SECRET], BODY, 1000), at(now)).map(|_| ());
        assert!(read(1300).is_ok() && read(700).is_ok());
        for now in [1301, 699] {
            assert_eq!(read(now).unwrap_err().kind, Kind::StaleTimestamp);
        }
    }

    #[test]
    fn broken_headers_are_no_proof() {
        for (name, value) in
            [("webhook-timestamp", "soon"), ("webhook-timestamp", "99999999999999999999"), ("webhook-id", "")]
        {
            let mut headers = signed(&[SECRET], BODY, 1000);
            headers.insert(name, value.parse().unwrap());
            let error = SignedHeaders::read(&headers, at(1000)).map(|_| ()).unwrap_err();
            assert_eq!(error.kind, Kind::Unauthorized, "{name}: {value}");
        }
        for value in ["v1,", "v2,AAAA", "v1,%%%", ",", "v1a,AAAA"] {
            let mut headers = signed(&[SECRET], BODY, 1000);
            headers.insert("webhook-signature", value.parse().unwrap());
            assert!(!verifies(&headers, BODY), "{value}");
        }
    }

    #[test]
    fn secrets_have_a_form() {
        for bad in ["", "C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "whsec_AAAA", "whsec_!!"] {
            assert_eq!(WebhookSecret::parse(bad).map(|_| ()).unwrap_err(), BadSecret, "{bad}");
        }
    }
}
