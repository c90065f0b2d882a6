//! An edit as it is kept: the values and the message that they make, sealed, bound to the letter that they belong to.

use domain::{
    Code, Fault, Phi,
    envelope::Envelope,
    ids::LetterId,
    seal::{Binding, Keyring, SealError, Sealed},
    template::Corrections,
};
use ledger::replay::NewBody;
use serde::{Deserialize, Serialize};

/// The schema that a sealed edit is bound to.
const SCHEMA: &str = "edit.v1";

/// What is sealed. PHI: no `Debug`.
#[derive(Serialize, Deserialize)]
pub(crate) struct Patch {
    /// What was corrected.
    pub(crate) corrections: Corrections,
    /// What is replayed in the letter's place: made once, so that what is published is what was dry-run.
    pub(crate) body: Envelope,
}

const fn binding(letter: &str) -> Binding<'_> {
    Binding { submission: letter, clinic: "", schema: SCHEMA }
}

impl Patch {
    pub(crate) fn seal(&self, letter: LetterId, keys: &Keyring) -> Result<Vec<u8>, Fault> {
        let plain = serde_json::to_vec(self).map_err(|_| Fault::permanent(Code::Malformed))?;
        let sealed = keys
            .seal(Phi::new(plain), binding(&letter.to_string()))
            .map_err(|error| Fault::transient(error.code()))?;
        serde_json::to_vec(&sealed).map_err(|_| Fault::permanent(Code::Malformed))
    }

    /// Opens what [`Patch::seal`] made for the same letter.
    pub(crate) fn open(letter: LetterId, bytes: &[u8], keys: &Keyring) -> Result<Self, Code> {
        let sealed: Sealed = serde_json::from_slice(bytes).map_err(|_| Code::SealBroken)?;
        let plain = keys.open(&sealed, binding(&letter.to_string())).map_err(SealError::code)?;
        serde_json::from_slice(plain.expose()).map_err(|_| Code::SealBroken)
    }

    /// What is replayed.
    pub(crate) fn into_body(self) -> Result<NewBody, Fault> {
        Ok(NewBody { schema: self.body.schema.clone(), body: self.body.to_vec()? })
    }
}

#[cfg(test)]
mod tests {
    use domain::{
        Code, Phi,
        clock::{Clock, SystemClock},
        envelope::Envelope,
        ids::LetterId,
        seal::Keyring,
        template::{Corrections, Field},
    };

    use super::Patch;

    #[test]
    fn it_opens_for_its_letter_only_and_shows_nothing() {
        let keys = Keyring::new([("2026-01".to_owned(), vec![1; 32])]).unwrap();
        let meta =
            serde_json::from_value(serde_json::json!({"submission": "s", "clinic": "c", "source": "kiosk",
            "submitted_at": "2027-01-07T09:00:00Z", "received_at": "2027-01-07T09:00:00Z",
            "correlation": SystemClock.fresh_id()}))
            .unwrap();
        let body = Envelope::seal_bytes("x", meta, Phi::new(b"Zebedee".to_vec()), &keys).unwrap();
        let corrections = Corrections::new([(Field::PatientEmail, "zebedee@example.com".to_owned())]);
        let (letter, other) =
            (LetterId::from_uuid(SystemClock.fresh_id()), LetterId::from_uuid(SystemClock.fresh_id()));
        let sealed = Patch { corrections: corrections.clone(), body }.seal(letter, &keys).unwrap();
        assert!(!String::from_utf8(sealed.clone()).unwrap().contains("example.com"));
        assert!(Patch::open(letter, &sealed, &keys).is_ok_and(|patch| patch.corrections == corrections));
        assert_eq!(Patch::open(other, &sealed, &keys).err(), Some(Code::SealBroken));
        let without = Keyring::new([("2027-01".to_owned(), vec![1; 32])]).unwrap();
        assert_eq!(Patch::open(letter, &sealed, &without).err(), Some(Code::UnknownKey));
    }
}
