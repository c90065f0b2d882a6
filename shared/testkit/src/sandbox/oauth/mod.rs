//! The token endpoint: SMART Backend Services (client credentials with a signed assertion, RS384 or ES384).

mod assertion;
mod endpoint;
mod keys;
mod scope;

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};

pub(crate) use endpoint::token;
use keys::PublicKey;
pub use keys::{AuthConfig, ClientConfig, ClientKey, KeyAlgorithm, PublicKeys};
pub(crate) use scope::{Right, Scopes};

use super::address::Addresses;
use super::app::lock;
use super::error::SandboxError;
use super::rng;
use super::store::Kind;

/// A registered client.
struct Client {
    keys: Vec<PublicKey>,
    scopes: Scopes,
}

struct Grant {
    expires_at: Timestamp,
    scopes: Scopes,
}

#[derive(Default)]
struct Issued {
    number: u64,
    grants: HashMap<String, Grant>,
    /// Assertions seen (client, `jti`), until they expire.
    seen: HashMap<(String, String), Timestamp>,
}

/// Whom the FHIR server trusts.
pub(crate) struct Authority {
    enabled: bool,
    clients: BTreeMap<String, Client>,
    audiences: Vec<String>,
    token_ttl: SignedDuration,
    seed: u64,
    issued: Mutex<Issued>,
}

/// Tokens or assertions kept before the expired ones are looked for.
const SWEEP_AT: usize = 1_024;

impl Authority {
    pub(crate) fn new(config: AuthConfig, addresses: &Addresses, seed: u64) -> Result<Self, SandboxError> {
        let mut clients = BTreeMap::new();
        for client in config.clients {
            let wrong = |reason: String| SandboxError::ClientKey { client: client.client_id.clone(), reason };
            let keys = client.keys.read().map_err(wrong)?;
            let scopes = Scopes::parse(&client.scopes);
            clients.insert(client.client_id.clone(), Client { keys, scopes });
        }
        let mut audiences = config.audiences;
        audiences.push(addresses.token_url.clone());
        Ok(Self {
            enabled: config.enabled,
            clients,
            audiences,
            token_ttl: SignedDuration::try_from(config.token_ttl).unwrap_or(SignedDuration::from_hours(1)),
            seed,
            issued: Mutex::default(),
        })
    }

    /// Whether a request with this token may do this: 401 without a valid token, 403 without the scope.
    pub(crate) fn allows(
        &self,
        token: Option<&str>,
        kind: Kind,
        right: Right,
        now: Timestamp,
    ) -> Result<(), StatusCode> {
        if !self.enabled {
            return Ok(());
        }
        let issued = lock(&self.issued);
        let grant = token.and_then(|token| issued.grants.get(token)).filter(|grant| grant.expires_at > now);
        match grant {
            None => Err(StatusCode::UNAUTHORIZED),
            Some(grant) if grant.scopes.allow(kind, right) => Ok(()),
            Some(_) => Err(StatusCode::FORBIDDEN),
        }
    }

    /// A new token for these scopes.
    fn issue(&self, scopes: Scopes, now: Timestamp) -> String {
        let mut issued = lock(&self.issued);
        if issued.grants.len() >= SWEEP_AT {
            issued.grants.retain(|_, grant| grant.expires_at > now);
        }
        issued.number += 1;
        // Not a secret worth guarding: whoever can reach this server is on this machine and may ask for one.
        let parts = [self.seed.to_string(), issued.number.to_string(), now.as_nanosecond().to_string()];
        let [seed, number, moment] = parts.each_ref().map(String::as_str);
        let token =
            format!("{:016x}{:016x}", rng::hash(&[seed, number, moment]), rng::hash(&[moment, number]));
        let expires_at = now.checked_add(self.token_ttl).unwrap_or(Timestamp::MAX);
        issued.grants.insert(token.clone(), Grant { expires_at, scopes });
        token
    }

    /// Notes an assertion's `jti`; false if it was used before.
    fn first_use(&self, client: &str, jti: &str, expires_at: Timestamp, now: Timestamp) -> bool {
        let mut issued = lock(&self.issued);
        if issued.seen.len() >= SWEEP_AT {
            issued.seen.retain(|_, expires_at| *expires_at > now);
        }
        issued.seen.insert((client.to_owned(), jti.to_owned()), expires_at).is_none()
    }
}
