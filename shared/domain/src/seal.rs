//! Sealing: AES-256-GCM over everything that is PHI, bound to the message that it belongs to.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned};

use crate::{Code, Fault, Phi};

/// What a sealed part is bound to. It does not open under any other.
#[derive(Debug, Clone, Copy)]
pub struct Binding<'a> {
    /// The submission it belongs to.
    pub submission: &'a str,
    /// The clinic.
    pub clinic: &'a str,
    /// The schema of the message, or the name of the column, that carries it.
    pub schema: &'a str,
}

impl Binding<'_> {
    /// Unambiguous bytes: each part is preceded by its length.
    fn bytes(&self) -> Vec<u8> {
        let parts = [self.submission, self.clinic, self.schema];
        let mut out = Vec::with_capacity(parts.iter().map(|p| p.len() + 8).sum());
        for part in parts {
            out.extend_from_slice(&(part.len() as u64).to_be_bytes());
            out.extend_from_slice(part.as_bytes());
        }
        out
    }
}

/// A sealed part: key id, nonce and ciphertext. Safe to store, route and print.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// The id of the key that opens it.
    pub key: String,
    /// The random nonce.
    #[serde(with = "base64_bytes")]
    pub nonce: Vec<u8>,
    /// Ciphertext and tag.
    #[serde(with = "base64_bytes")]
    pub data: Vec<u8>,
}

/// Why a sealed part did not open, or nothing could be sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The key that it names is not in the ring: give this service the key, then replay.
    #[error("sealed with a key that this service does not have")]
    UnknownKey,
    /// It was altered, cut, or belongs to another message.
    #[error("the sealed part does not open: it was altered or belongs to another message")]
    Broken,
    /// A key file does not hold 32 bytes.
    #[error("a sealing key must be 32 bytes")]
    BadKey,
    /// The system gave no random numbers.
    #[error("no random numbers")]
    NoRandom,
}

impl SealError {
    /// The code under which the failure is recorded.
    pub const fn code(self) -> Code {
        match self {
            Self::UnknownKey => Code::UnknownKey,
            Self::Broken => Code::SealBroken,
            Self::BadKey | Self::NoRandom => Code::Misconfigured,
        }
    }
}

/// The sealing keys that a service holds: one seals what is new, each opens what names it. They can be exchanged while messages are in
/// hand; what is being sealed or opened at that moment is done with the keys that were there before.
pub struct Keyring(RwLock<Arc<Keys>>);

struct Keys {
    sealing: String,
    keys: BTreeMap<String, LessSafeKey>,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.keys();
        f.debug_struct("Keyring").field("sealing", &keys.sealing).field("ids", &keys.keys.keys()).finish()
    }
}

impl Keyring {
    /// Makes a ring of keys by id. The one whose id sorts last seals (ids start with a date).
    ///
    /// # Errors
    /// [`SealError::BadKey`] if there is none or one does not have 32 bytes.
    pub fn new(keys: impl IntoIterator<Item = (String, Vec<u8>)>) -> Result<Self, SealError> {
        Ok(Self(RwLock::new(Arc::new(Keys::new(keys, None)?))))
    }

    /// A ring without a key, which neither seals nor opens until it gets some by [`Keyring::exchange`].
    pub fn empty() -> Self {
        Self(RwLock::new(Arc::new(Keys { sealing: String::new(), keys: BTreeMap::new() })))
    }

    /// Exchanges all keys, and says which of them seals from now on.
    ///
    /// # Errors
    /// [`SealError::BadKey`] if one does not have 32 bytes, or there is none of that id: then the ring is as it was.
    pub fn exchange(
        &self,
        keys: impl IntoIterator<Item = (String, Vec<u8>)>,
        sealing: &str,
    ) -> Result<(), SealError> {
        let keys = Arc::new(Keys::new(keys, Some(sealing))?);
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = keys;
        Ok(())
    }

    /// The id of the key that seals.
    pub fn sealing(&self) -> String {
        self.keys().sealing.clone()
    }

    /// The ids of all keys, in order.
    pub fn ids(&self) -> Vec<String> {
        self.keys().keys.keys().cloned().collect()
    }

    fn keys(&self) -> Arc<Keys> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Seals bytes under the key that seals.
    ///
    /// # Errors
    /// [`SealError::NoRandom`] if the system gives no random numbers.
    pub fn seal(&self, plain: Phi<Vec<u8>>, binding: Binding<'_>) -> Result<Sealed, SealError> {
        let keys = self.keys();
        let key = keys.keys.get(&keys.sealing).ok_or(SealError::BadKey)?;
        let mut nonce = [0_u8; NONCE_LEN];
        aws_lc_rs::rand::fill(&mut nonce).map_err(|_| SealError::NoRandom)?;
        let mut data = plain.into_exposed();
        key.seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(binding.bytes()),
            &mut data,
        )
        .map_err(|_| SealError::Broken)?;
        Ok(Sealed { key: keys.sealing.clone(), nonce: nonce.to_vec(), data })
    }

    /// Opens a sealed part.
    ///
    /// # Errors
    /// [`SealError::UnknownKey`] or [`SealError::Broken`].
    pub fn open(&self, sealed: &Sealed, binding: Binding<'_>) -> Result<Phi<Vec<u8>>, SealError> {
        let keys = self.keys();
        let key = keys.keys.get(&sealed.key).ok_or(SealError::UnknownKey)?;
        let nonce = Nonce::try_assume_unique_for_key(&sealed.nonce).map_err(|_| SealError::Broken)?;
        let mut data = sealed.data.clone();
        let length = key
            .open_in_place(nonce, Aad::from(binding.bytes()), &mut data)
            .map_err(|_| SealError::Broken)?
            .len();
        data.truncate(length);
        Ok(Phi::new(data))
    }
}

/// Records in columns of the database: as JSON, sealed, as JSON.
impl Keyring {
    /// A record, sealed for its column.
    ///
    /// # Errors
    /// A [`Fault`] if it cannot be sealed.
    pub fn seal_record<T: Serialize>(&self, record: &T, binding: Binding<'_>) -> Result<Vec<u8>, Fault> {
        let plain = serde_json::to_vec(record).map_err(|_| Fault::permanent(Code::Malformed))?;
        let sealed = self.seal(Phi::new(plain), binding).map_err(|error| Fault::transient(error.code()))?;
        serde_json::to_vec(&sealed).map_err(|_| Fault::permanent(Code::Malformed))
    }

    /// What [`Keyring::seal_record`] made.
    ///
    /// # Errors
    /// [`Code::UnknownKey`] or [`Code::SealBroken`].
    pub fn open_record<T: DeserializeOwned>(&self, bytes: &[u8], binding: Binding<'_>) -> Result<T, Code> {
        let sealed: Sealed = serde_json::from_slice(bytes).map_err(|_| Code::SealBroken)?;
        let plain = self.open(&sealed, binding).map_err(SealError::code)?;
        serde_json::from_slice(plain.expose()).map_err(|_| Code::SealBroken)
    }
}

impl Keys {
    fn new(
        keys: impl IntoIterator<Item = (String, Vec<u8>)>,
        sealing: Option<&str>,
    ) -> Result<Self, SealError> {
        let keys: BTreeMap<_, _> = keys
            .into_iter()
            .map(|(id, bytes)| {
                let key = UnboundKey::new(&AES_256_GCM, &bytes).map_err(|_| SealError::BadKey)?;
                Ok((id, LessSafeKey::new(key)))
            })
            .collect::<Result<_, SealError>>()?;
        let sealing = match sealing {
            Some(id) => keys.get_key_value(id).map(|(id, _)| id),
            None => keys.keys().next_back(),
        };
        Ok(Self { sealing: sealing.cloned().ok_or(SealError::BadKey)?, keys })
    }
}

mod base64_bytes {
    use super::{Deserialize, Deserializer, Engine, STANDARD, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        STANDARD.decode(text.as_bytes()).map_err(|_| serde::de::Error::custom("not base64"))
    }
}

#[cfg(test)]
mod tests {
    use super::{Binding, Keyring, SealError};
    use crate::Phi;

    const HERE: Binding<'_> = Binding { submission: "s1", clinic: "c1", schema: "intake.validated.v1" };

    fn ring(ids: &[&str]) -> Keyring {
        Keyring::new(
            ids.iter().enumerate().map(|(n, id)| ((*id).to_owned(), vec![u8::try_from(n).unwrap(); 32])),
        )
        .unwrap()
    }

    #[test]
    fn opens_only_where_it_belongs() {
        let ring = ring(&["2026-01"]);
        let sealed = ring.seal(Phi::new(b"Ada".to_vec()), HERE).unwrap();
        assert_eq!(ring.open(&sealed, HERE).unwrap().expose(), b"Ada");
        for other in [
            Binding { submission: "s2", ..HERE },
            Binding { clinic: "c2", ..HERE },
            Binding { schema: "intake.checked.v1", ..HERE },
            Binding { submission: "s1c", clinic: "1", ..HERE },
        ] {
            assert_eq!(ring.open(&sealed, other).unwrap_err(), SealError::Broken);
        }
    }

    #[test]
    fn keys_are_exchanged_in_place_or_not_at_all() {
        let ring = ring(&["2026-01"]);
        let before = ring.seal(Phi::new(vec![1]), HERE).unwrap();
        let keys = || [("2026-01".to_owned(), vec![0; 32]), ("2026-02".to_owned(), vec![1; 32])];
        ring.exchange(keys(), "2026-01").unwrap();
        assert_eq!((ring.sealing().as_str(), ring.ids().len()), ("2026-01", 2), "known first");
        ring.exchange(keys(), "2026-02").unwrap();
        assert_eq!(ring.seal(Phi::new(vec![2]), HERE).unwrap().key, "2026-02");
        assert_eq!(ring.open(&before, HERE).unwrap().expose(), &[1]);
        assert_eq!(ring.exchange(keys(), "2026-03").unwrap_err(), SealError::BadKey);
        let short = [("2026-04".to_owned(), vec![0; 16])];
        assert_eq!(ring.exchange(short, "2026-04").unwrap_err(), SealError::BadKey);
        assert_eq!(ring.sealing(), "2026-02", "as it was");
    }

    #[test]
    fn rotation_opens_old_and_seals_new() {
        let old = ring(&["2026-01"]);
        let both = ring(&["2026-01", "2026-02"]);
        let before = old.seal(Phi::new(vec![1]), HERE).unwrap();
        assert_eq!(both.open(&before, HERE).unwrap().expose(), &[1]);
        let after = both.seal(Phi::new(vec![2]), HERE).unwrap();
        assert_eq!(after.key, "2026-02");
        assert_eq!(old.open(&after, HERE).unwrap_err(), SealError::UnknownKey);
    }
}
