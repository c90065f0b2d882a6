//! Comparing the person of a submission with those that the ledger knows. Records lie there sealed.

use std::sync::Arc;

use domain::{
    ClinicId, Code,
    matching::person::{Matcher, Resolution, kept},
    seal::Keyring,
};
use ledger::{AdmissionRequest, MatchDecision, Proposed, admit::Candidate};

/// The comparison that the ledger calls within its transaction.
pub(crate) fn comparison(matcher: Arc<Matcher>, keys: Arc<Keyring>) -> Arc<ledger::Matcher> {
    Arc::new(move |request: &AdmissionRequest, candidates: &[Candidate]| {
        let Proposed::Match(wanted) = &request.proposed else { return MatchDecision::New };
        match decide(&wanted.person, &request.clinic, candidates, &matcher, &keys) {
            Ok(decision) => decision,
            Err(code) => MatchDecision::Unreadable(code),
        }
    })
}

fn decide(
    person: &[u8],
    clinic: &ClinicId,
    candidates: &[Candidate],
    matcher: &Matcher,
    keys: &Keyring,
) -> Result<MatchDecision, Code> {
    if candidates.is_empty() {
        return Ok(MatchDecision::New);
    }
    let record = kept::open(person, clinic, keys)?;
    let known = || candidates.iter().map(|candidate| (candidate.person, &candidate.sealed));
    Ok(match kept::find(&record, clinic, known(), matcher, keys)? {
        Resolution::Known(person) => MatchDecision::Same(person),
        Resolution::New => MatchDecision::New,
        Resolution::Doubtful => {
            MatchDecision::Doubtful(kept::likely(&record, clinic, known(), matcher, keys)?)
        }
    })
}
