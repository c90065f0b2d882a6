//! Registered clients and their keys.

use std::time::Duration;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair};
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};

use crate::sandbox::error::SandboxError;
use crate::sandbox::pem::pem;

/// The FHIR server's authentication.
#[derive(Clone)]
pub struct AuthConfig {
    /// Whether FHIR requests need a token.
    pub enabled: bool,
    /// Who may ask for tokens. If it is empty and authentication is on, a client is made at start.
    pub clients: Vec<ClientConfig>,
    /// How long tokens live, in whole seconds.
    pub token_ttl: Duration,
    /// Audiences accepted beside the token endpoint's own URL, for when a proxy stands between. Loopback only.
    pub audiences: Vec<String>,
    /// The key of the client that is made at start.
    pub algorithm: KeyAlgorithm,
}

impl Default for AuthConfig {
    fn default() -> Self {
        Self {
            enabled: false,
            clients: Vec::new(),
            token_ttl: Duration::from_secs(300),
            audiences: Vec::new(),
            algorithm: KeyAlgorithm::Es384,
        }
    }
}

/// A client as it is registered.
#[derive(Clone)]
pub struct ClientConfig {
    /// Its id.
    pub client_id: String,
    /// Its public keys.
    pub keys: PublicKeys,
    /// The most that it may be granted, separated by spaces: `system/Patient.crus system/Slot.rs`.
    pub scopes: String,
}

/// Public keys.
#[derive(Clone)]
pub enum PublicKeys {
    /// One key in PEM, RSA or P-384.
    Pem(String),
    /// A JSON Web Key Set.
    Jwks(String),
}

/// What keys are made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum KeyAlgorithm {
    /// ECDSA, P-384.
    Es384,
    /// RSA, 3072 bits.
    Rs384,
}

impl KeyAlgorithm {
    /// The name in JWTs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Es384 => "ES384",
            Self::Rs384 => "RS384",
        }
    }

    const fn jwt(self) -> Algorithm {
        match self {
            Self::Es384 => Algorithm::ES384,
            Self::Rs384 => Algorithm::RS384,
        }
    }
}

/// A client made at start, with the private key that it signs with.
#[derive(Clone)]
pub struct ClientKey {
    /// The client.
    pub client_id: String,
    /// The key's id (`kid`).
    pub key_id: String,
    /// What it signs with.
    pub algorithm: KeyAlgorithm,
    /// The private key, PKCS#8 in PEM.
    pub private_pem: String,
    /// The public key set.
    pub jwks: String,
}

impl ClientKey {
    /// Makes a key.
    ///
    /// # Errors
    /// [`SandboxError::ClientKey`] if the machine gives no random numbers.
    pub fn generate(client_id: &str, algorithm: KeyAlgorithm) -> Result<Self, SandboxError> {
        let wrong = |reason: String| SandboxError::ClientKey { client: client_id.to_owned(), reason };
        let der = private_der(algorithm).map_err(|_| wrong("no key could be made".to_owned()))?;
        let private_pem = pem("PRIVATE KEY", &der);
        let read = match algorithm {
            KeyAlgorithm::Es384 => EncodingKey::from_ec_pem(private_pem.as_bytes()),
            KeyAlgorithm::Rs384 => EncodingKey::from_rsa_pem(private_pem.as_bytes()),
        };
        let jwk = read.and_then(|key| Jwk::from_encoding_key(&key, algorithm.jwt()));
        let mut jwk = jwk.map_err(|error| wrong(error.to_string()))?;
        let key_id = format!("{client_id}-1");
        jwk.common.key_id = Some(key_id.clone());
        let jwks =
            serde_json::to_string(&JwkSet { keys: vec![jwk] }).map_err(|error| wrong(error.to_string()))?;
        Ok(Self { client_id: client_id.to_owned(), key_id, algorithm, private_pem, jwks })
    }
}

fn private_der(algorithm: KeyAlgorithm) -> Result<Vec<u8>, aws_lc_rs::error::Unspecified> {
    Ok(match algorithm {
        KeyAlgorithm::Es384 => {
            EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING)?.to_pkcs8v1()?.as_ref().to_vec()
        }
        KeyAlgorithm::Rs384 => {
            let key = aws_lc_rs::rsa::KeyPair::generate(KeySize::Rsa3072)?;
            AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&key)?.as_ref().to_vec()
        }
    })
}

/// A key that checks signatures.
pub(super) struct PublicKey {
    /// Its id, if it has one.
    pub(super) id: Option<String>,
    pub(super) algorithm: Algorithm,
    pub(super) key: DecodingKey,
}

impl PublicKeys {
    pub(super) fn read(&self) -> Result<Vec<PublicKey>, String> {
        match self {
            Self::Pem(text) => {
                let ec = DecodingKey::from_ec_pem(text.as_bytes()).map(|key| (Algorithm::ES384, key));
                let any = ec.or_else(|_| {
                    DecodingKey::from_rsa_pem(text.as_bytes()).map(|key| (Algorithm::RS384, key))
                });
                let (algorithm, key) = any.map_err(|_| "not an RSA or P-384 public key in PEM".to_owned())?;
                Ok(vec![PublicKey { id: None, algorithm, key }])
            }
            Self::Jwks(text) => {
                let set: JwkSet =
                    serde_json::from_str(text).map_err(|_| "not a JSON Web Key Set".to_owned())?;
                let keys: Vec<PublicKey> = set.keys.iter().filter_map(public_key).collect();
                if keys.is_empty() { Err("no RSA or P-384 key in the set".to_owned()) } else { Ok(keys) }
            }
        }
    }
}

fn public_key(jwk: &Jwk) -> Option<PublicKey> {
    let algorithm = match jwk.algorithm {
        jsonwebtoken::jwk::AlgorithmParameters::EllipticCurve(_) => Algorithm::ES384,
        jsonwebtoken::jwk::AlgorithmParameters::RSA(_) => Algorithm::RS384,
        _ => return None,
    };
    let key = DecodingKey::from_jwk(jwk).ok()?;
    Some(PublicKey { id: jwk.common.key_id.clone(), algorithm, key })
}
