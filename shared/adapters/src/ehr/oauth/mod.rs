//! SMART Backend Services: an access token for a signed assertion.
//!
//! <https://hl7.org/fhir/smart-app-launch/backend-services.html>. One token is fetched at a time, kept until shortly
//! before it expires, and never logged; neither is the assertion.

mod assertion;

use std::{sync::Arc, time::Duration};

use domain::clock::Clock;
use jiff::{SignedDuration, Timestamp};
use reqwest::{
    Client, Url,
    header::{ACCEPT, HeaderValue},
};
use serde::Deserialize;
use tokio::sync::Mutex;

pub use assertion::Algorithm;
use assertion::Signer;

use crate::{
    http::{Deadline, exchange, retry_after},
    setup::{Secret, SetupError},
};

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// A token is not used in its last moments: the clocks differ, and the request takes time.
const MARGIN: SignedDuration = SignedDuration::from_secs(30);
/// SMART asks for at most five minutes where the server does not say.
const DEFAULT_LIFE_S: i64 = 300;

/// The client as registered with an EHR.
pub(crate) struct Registration {
    /// The token endpoint, which is also the assertion's audience.
    pub(crate) token_url: Url,
    /// The client's id.
    pub(crate) client_id: String,
    /// The `kid` of the public key.
    pub(crate) key_id: String,
    /// How the assertion is signed.
    pub(crate) algorithm: Algorithm,
    /// The scopes, separated by spaces.
    pub(crate) scopes: String,
}

/// The tokens of one client at one EHR.
pub(crate) struct Tokens {
    client: Client,
    registration: Registration,
    signer: Signer,
    clock: Arc<dyn Clock>,
    present: Mutex<Option<Token>>,
}

struct Token {
    value: Arc<Secret>,
    until: Timestamp,
}

/// Why there is no token. Nothing was sent to the EHR itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoToken {
    /// The endpoint did not answer, or not with a token.
    Unavailable,
    /// It asks to wait.
    Throttled(Duration),
    /// It refuses us.
    Refused,
}

#[derive(Deserialize)]
struct TokenResponse {
    access_token: String,
    #[serde(default)]
    expires_in: Option<i64>,
}

impl Tokens {
    /// Reads the key. Opens no connection.
    ///
    /// # Errors
    /// [`SetupError`] if the key is not one for the algorithm.
    pub(crate) fn new(
        registration: Registration,
        pem: &Secret,
        client: Client,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SetupError> {
        let signer = Signer::new(&registration, pem, clock.as_ref())?;
        Ok(Self { client, registration, signer, clock, present: Mutex::new(None) })
    }

    /// A token that is good for a while. `refused` is one that the EHR answered with 401: it is not given out again.
    pub(crate) async fn get(
        &self,
        refused: Option<&Arc<Secret>>,
        deadline: Deadline,
    ) -> Result<Arc<Secret>, NoToken> {
        // Held while a token is fetched: whoever comes meanwhile waits for that one.
        let mut present = tokio::time::timeout(deadline.left(), self.present.lock())
            .await
            .map_err(|_| NoToken::Unavailable)?;
        if let Some(token) = &*present
            && self.clock.now() < token.until
            && refused.is_none_or(|refused| !Arc::ptr_eq(refused, &token.value))
        {
            return Ok(Arc::clone(&token.value));
        }
        *present = None;
        let token = self.fetch(deadline).await?;
        let value = Arc::clone(&token.value);
        *present = Some(token);
        Ok(value)
    }

    async fn fetch(&self, deadline: Deadline) -> Result<Token, NoToken> {
        let asked_at = self.clock.now();
        let assertion = self.signer.sign(self.clock.as_ref()).map_err(|_| NoToken::Refused)?;
        let form = [
            ("grant_type", "client_credentials"),
            ("scope", &self.registration.scopes),
            ("client_assertion_type", ASSERTION_TYPE),
            ("client_assertion", assertion.reveal()),
        ];
        let request = self
            .client
            .post(self.registration.token_url.clone())
            .header(ACCEPT, HeaderValue::from_static("application/json"))
            .form(&form)
            .build()
            .map_err(|_| NoToken::Refused)?;
        let answer =
            exchange(&self.client, request, deadline, "token").await.map_err(|_| NoToken::Unavailable)?;
        match answer.status {
            200..=299 => {}
            400 | 401 | 403 => return Err(NoToken::Refused),
            429 => return Err(NoToken::Throttled(retry_after(&answer.headers, self.clock.now()))),
            _ => return Err(NoToken::Unavailable),
        }
        let body = answer.body.ok_or(NoToken::Unavailable)?;
        let response: TokenResponse = serde_json::from_slice(&body).map_err(|_| NoToken::Unavailable)?;
        if response.access_token.is_empty() {
            return Err(NoToken::Unavailable);
        }
        let life = SignedDuration::from_secs(response.expires_in.unwrap_or(DEFAULT_LIFE_S).clamp(0, 86_400));
        // A token of a very short life still has a little use.
        let margin = MARGIN.min(life / 4);
        let until = asked_at.checked_add(life - margin).unwrap_or(asked_at);
        Ok(Token { value: Arc::new(Secret::new(response.access_token)), until })
    }
}
