//! What is said of a submission by looking at it alone, as the ledger wants to know it.

use domain::{
    Fault, Meta,
    arrival::Arrival,
    blind::{BlindIndex, IndexKey},
    content,
    intake::Intake,
    judge::{self, Found, Judgement},
    matching::person::{PersonRecord, kept},
    seal::Keyring,
};
use ledger::{MatchRequest, Proposed};

/// A submission that was looked at.
pub(crate) struct Judged {
    pub(crate) proposed: Proposed,
    pub(crate) found: Option<Found>,
    pub(crate) content: BlindIndex,
}

/// Says how the person of what was judged is found and what the content is known by.
///
/// # Errors
/// A [`Fault`] if it cannot be sealed.
pub(crate) fn propose(
    judgement: Judgement,
    arrival: &Arrival,
    index: &IndexKey,
    keys: &Keyring,
) -> Result<Judged, Fault> {
    let content = content::of(index, arrival);
    let (proposed, found) = match judgement {
        Judgement::Reject { code, field } => (Proposed::Reject { code, field }, None),
        Judgement::Hold(hold, found) => (Proposed::Hold { code: hold.code, field: hold.field }, Some(found)),
        Judgement::Sound(found) => {
            (Proposed::Match(match_request(&found.intake, &arrival.meta, index, keys)?), Some(found))
        }
    };
    Ok(Judged { proposed, found, content })
}

fn match_request(
    intake: &Intake,
    meta: &Meta,
    index: &IndexKey,
    keys: &Keyring,
) -> Result<MatchRequest, Fault> {
    let record = PersonRecord::from(intake);
    Ok(MatchRequest {
        blocks: record.block_keys(&meta.clinic, index),
        person: kept::seal(&record, &meta.clinic, keys)?,
        request: judge::request(index, meta, intake),
    })
}
