//! Comparing the person of a submission with those that the ledger knows. Records lie there sealed.

use std::sync::Arc;

use domain::{
    Code, Fault, Phi,
    matching::person::{Matcher, PersonRecord, Resolution, resolve},
    seal::{Binding, Keyring, Sealed},
};
use ledger::{AdmissionRequest, MatchDecision, Proposed, admit::Candidate};

/// The schema that a sealed person is bound to. Persons belong to a clinic, not to one submission.
const SCHEMA: &str = "person.v1";

const fn binding(clinic: &str) -> Binding<'_> {
    Binding { submission: "", clinic, schema: SCHEMA }
}

/// A person's record, sealed for the ledger.
///
/// # Errors
/// A [`Fault`] if it cannot be sealed.
pub(crate) fn seal(record: &PersonRecord, clinic: &str, keys: &Keyring) -> Result<Vec<u8>, Fault> {
    let plain = serde_json::to_vec(record).map_err(|_| Fault::permanent(Code::Malformed))?;
    let sealed =
        keys.seal(Phi::new(plain), binding(clinic)).map_err(|error| Fault::transient(error.code()))?;
    serde_json::to_vec(&sealed).map_err(|_| Fault::permanent(Code::Malformed))
}

fn open(bytes: &[u8], clinic: &str, keys: &Keyring) -> Result<PersonRecord, Code> {
    let sealed: Sealed = serde_json::from_slice(bytes).map_err(|_| Code::SealBroken)?;
    let plain = keys.open(&sealed, binding(clinic)).map_err(domain::seal::SealError::code)?;
    serde_json::from_slice(plain.expose()).map_err(|_| Code::SealBroken)
}

/// The comparison that the ledger calls within its transaction.
pub(crate) fn comparison(matcher: Arc<Matcher>, keys: Arc<Keyring>) -> Arc<ledger::Matcher> {
    Arc::new(move |request: &AdmissionRequest, candidates: &[Candidate]| {
        let Proposed::Match(wanted) = &request.proposed else { return MatchDecision::New };
        match decide(&wanted.person, request.clinic.as_str(), candidates, &matcher, &keys) {
            Ok(decision) => decision,
            Err(code) => MatchDecision::Unreadable(code),
        }
    })
}

fn decide(
    person: &[u8],
    clinic: &str,
    candidates: &[Candidate],
    matcher: &Matcher,
    keys: &Keyring,
) -> Result<MatchDecision, Code> {
    if candidates.is_empty() {
        return Ok(MatchDecision::New);
    }
    let record = open(person, clinic, keys)?;
    let verdicts = candidates
        .iter()
        .map(|candidate| {
            Ok((candidate.person, matcher.compare(&record, &open(&candidate.sealed, clinic, keys)?)))
        })
        .collect::<Result<Vec<_>, Code>>()?;
    Ok(match resolve(verdicts) {
        Resolution::Known(person) => MatchDecision::Same(person),
        Resolution::New => MatchDecision::New,
        Resolution::Doubtful => MatchDecision::Doubtful,
    })
}
