//! Records as they are kept, sealed, and who somebody is among them.

use std::fmt::Display;

use super::{Alike, Matcher, PersonRecord, Resolution, Verdict, resolve};
use crate::{
    ClinicId, Code, Fault,
    hold::Candidate,
    seal::{Binding, Keyring},
};

/// The schema that a sealed person is bound to. Persons belong to a clinic, not to one submission.
const SCHEMA: &str = "person.v1";

const fn binding(clinic: &str) -> Binding<'_> {
    Binding { submission: "", clinic, schema: SCHEMA }
}

/// A person's record, sealed for the ledger.
///
/// # Errors
/// A [`Fault`] if it cannot be sealed.
pub fn seal(record: &PersonRecord, clinic: &ClinicId, keys: &Keyring) -> Result<Vec<u8>, Fault> {
    keys.seal_record(record, binding(clinic.as_str()))
}

/// Opens what [`seal`] made.
///
/// # Errors
/// [`Code::UnknownKey`] or [`Code::SealBroken`].
pub fn open(bytes: &[u8], clinic: &ClinicId, keys: &Keyring) -> Result<PersonRecord, Code> {
    keys.open_record(bytes, binding(clinic.as_str()))
}

/// Who a record is among the persons of a clinic whose sealed records share a key with it.
///
/// # Errors
/// The code why one of the records cannot be opened.
pub fn find<K: PartialEq>(
    record: &PersonRecord,
    clinic: &ClinicId,
    candidates: impl IntoIterator<Item = (K, impl AsRef<[u8]>)>,
    matcher: &Matcher,
    keys: &Keyring,
) -> Result<Resolution<K>, Code> {
    let verdicts = candidates
        .into_iter()
        .map(|(person, sealed)| Ok((person, matcher.compare(record, &open(sealed.as_ref(), clinic, keys)?))))
        .collect::<Result<Vec<_>, Code>>()?;
    Ok(resolve(verdicts))
}

/// Who they may be, the likeliest first, each by the record that is most like theirs: for the person who decides.
///
/// # Errors
/// The code why one of the records cannot be opened.
pub fn likely<K: Display>(
    record: &PersonRecord,
    clinic: &ClinicId,
    candidates: impl IntoIterator<Item = (K, impl AsRef<[u8]>)>,
    matcher: &Matcher,
    keys: &Keyring,
) -> Result<Vec<Candidate>, Code> {
    let mut likely = Vec::new();
    for (person, sealed) in candidates {
        let other = open(sealed.as_ref(), clinic, keys)?;
        if matcher.compare(record, &other) != Verdict::Different {
            likely.push((matcher.assess(record, &other).weight, person, other));
        }
    }
    likely.sort_by(|(a, ..), (b, ..)| b.total_cmp(a));
    let mut told: Vec<Candidate> = Vec::new();
    for (_, person, other) in likely {
        let id = person.to_string();
        if told.iter().all(|one| one.id != id) {
            let Alike { agrees, differs } = matcher.explain(record, &other);
            told.push(Candidate { id, agrees, differs });
        }
    }
    Ok(told)
}
