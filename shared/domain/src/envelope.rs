//! The envelope: the body of every message after the gateway. Clear metadata and one sealed part.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use crate::{
    Code, Exchange, Fault, Meta, Phi,
    seal::{Binding, Keyring, Sealed},
};

/// The PHI of one kind of message. A message names its own schema, version and route: adding one is adding a file.
pub trait Secret: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Name and version, such as `intake.validated.v1`: the AMQP `type`.
    const SCHEMA: &'static str;
    /// The exchange that messages of this kind go to.
    const EXCHANGE: Exchange;
}

/// An opened message.
#[derive(Debug, Clone)]
pub struct Message<S> {
    /// Clear metadata.
    pub meta: Meta,
    /// The protected part.
    pub secret: Phi<S>,
}

/// A message as it travels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Envelope {
    /// The schema's name and version.
    pub schema: String,
    /// Clear metadata.
    pub meta: Meta,
    /// All PHI.
    pub sealed: Sealed,
}

/// Schema under which a body is sealed that no stage could read. Its ids may be the placeholder `unknown`.
pub const RAW_SCHEMA: &str = "frontdesk.raw.v1";

/// Content type of an envelope.
pub const CONTENT_TYPE: &str = "application/vnd.frontdesk.envelope+json";

impl Envelope {
    /// Seals protected bytes under the metadata's submission and clinic.
    ///
    /// # Errors
    /// A transient [`Fault`] if the ring cannot seal.
    pub fn seal_bytes(schema: &str, meta: Meta, plain: Phi<Vec<u8>>, keys: &Keyring) -> Result<Self, Fault> {
        let binding = Binding { submission: meta.submission.as_str(), clinic: meta.clinic.as_str(), schema };
        let sealed = keys.seal(plain, binding).map_err(|error| Fault::transient(error.code()))?;
        Ok(Self { schema: schema.to_owned(), meta, sealed })
    }

    /// Opens the sealed part to bytes.
    ///
    /// # Errors
    /// A permanent [`Fault`] with [`Code::UnknownKey`] or [`Code::SealBroken`].
    pub fn open_bytes(&self, keys: &Keyring) -> Result<Phi<Vec<u8>>, Fault> {
        let binding = Binding {
            submission: self.meta.submission.as_str(),
            clinic: self.meta.clinic.as_str(),
            schema: &self.schema,
        };
        keys.open(&self.sealed, binding).map_err(|error| Fault::permanent(error.code()))
    }

    /// Reads an envelope, leaving the sealed part closed.
    ///
    /// # Errors
    /// A permanent [`Fault`] with [`Code::Malformed`].
    pub fn from_slice(body: &[u8]) -> Result<Self, Fault> {
        serde_json::from_slice(body).map_err(|_| Fault::permanent(Code::Malformed))
    }

    /// The envelope as bytes.
    ///
    /// # Errors
    /// A permanent [`Fault`] with [`Code::Malformed`]; an envelope that was built does not fail.
    pub fn to_vec(&self) -> Result<Vec<u8>, Fault> {
        serde_json::to_vec(self).map_err(|_| Fault::permanent(Code::Malformed))
    }

    /// Opens an envelope as the message that a stage reads.
    ///
    /// # Errors
    /// A permanent [`Fault`]: [`Code::UnknownSchema`], [`Code::UnknownKey`], [`Code::SealBroken`] or [`Code::Malformed`].
    pub fn open<S: Secret>(self, keys: &Keyring) -> Result<Message<S>, Fault> {
        if self.schema != S::SCHEMA {
            return Err(Fault::permanent(Code::UnknownSchema));
        }
        let plain = self.open_bytes(keys)?;
        let secret = serde_json::from_slice(plain.expose()).map_err(|_| Fault::permanent(Code::Malformed))?;
        Ok(Message { meta: self.meta, secret: Phi::new(secret) })
    }
}

impl<S: Secret> Message<S> {
    /// Seals the message for its way to the next stage.
    ///
    /// # Errors
    /// A [`Fault`] if it cannot be encoded or sealed.
    pub fn seal(self, keys: &Keyring) -> Result<Envelope, Fault> {
        let plain =
            serde_json::to_vec(self.secret.expose()).map_err(|_| Fault::permanent(Code::Malformed))?;
        Envelope::seal_bytes(S::SCHEMA, self.meta, Phi::new(plain), keys)
    }
}

/// JSON kept byte for byte, for content whose hash or replay must not depend on our parsing.
pub type RawJson = Box<RawValue>;
