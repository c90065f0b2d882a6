//! The patient whom the clinic had before Frontdesk came: found, they are not created a second time; named by a person, they are looked at
//! before anything is written there.

use adapters::ehr::{ETag, ExistingPatient, ReadFault};
use domain::{
    Code, Stage,
    hold::Candidate,
    intake::Patient,
    matching::person::{Alike, PersonRecord, Verdict},
    template::e164,
};
use ledger::Target;

use crate::{stop::Stop, task::Task};

/// Whether the EHR has this person under a record that is not ours.
pub(crate) enum Existing {
    /// No, as far as it can be asked.
    No,
    /// Yes, and nobody else could be meant.
    Yes {
        /// The EHR's id.
        id: String,
        /// Its version, if the server says: whoever writes at the clinic from now on is not written over unseen.
        version: Option<ETag>,
    },
}

/// Looks for the person by family name and birth date and compares who is found.
///
/// Records that carry our identifier are other persons: the ledger has already decided that this one is not among them.
pub(crate) async fn find(task: &Task<'_>) -> Result<Existing, Stop> {
    let profile = task.profile();
    if !(profile.match_before_create && profile.can_match) {
        return Ok(Existing::No);
    }
    let patient = &task.intake.patient;
    let found = match task.ehr.candidates(&patient.family, patient.birth_date).await {
        Ok(found) => found,
        // This server cannot be asked so: it ignores the parameters, or refuses them.
        Err(ReadFault::Unreadable | ReadFault::Refused { .. } | ReadFault::Missing) => {
            return Ok(Existing::No);
        }
        Err(fault) => return Err(Stop::read(&fault, &task.endpoint)),
    };
    let wanted = PersonRecord::from(task.intake);
    let (mut same, mut likely) = (Vec::new(), Vec::new());
    for candidate in found.iter().filter(|candidate| candidate.identifiers.is_empty()) {
        let Some(known) = record(candidate) else { continue };
        let verdict = task.matcher.compare(&wanted, &known);
        if verdict == Verdict::Same {
            same.push(candidate.id.as_str());
        }
        if verdict != Verdict::Different {
            let Alike { agrees, differs } = task.matcher.explain(&wanted, &known);
            likely.push(Candidate { id: candidate.id.clone(), agrees, differs });
        }
    }
    match (same.as_slice(), likely.len()) {
        (_, 0) => Ok(Existing::No),
        ([id], 1) => Ok(yes(id, &found)),
        _ => decided(task, &found, &same, likely).await,
    }
}

/// This one of those that were found, with the version that was seen.
fn yes(id: &str, found: &[ExistingPatient]) -> Existing {
    let version = found.iter().find(|one| one.id == id).and_then(|one| one.version.clone());
    Existing::Yes { id: id.to_owned(), version }
}

/// What a person decided about those whom the person may be; else it is asked.
async fn decided(
    task: &Task<'_>,
    found: &[ExistingPatient],
    same: &[&str],
    mut likely: Vec<Candidate>,
) -> Result<Existing, Stop> {
    let decisions = task.decisions().await?;
    if let Some(id) = decisions.same.as_ref().filter(|id| likely.iter().any(|one| one.id == **id)) {
        return Ok(yes(id, found));
    }
    likely.retain(|one| !decisions.others.contains(&one.id));
    match likely.as_slice() {
        [] => Ok(Existing::No),
        [one] if same.contains(&one.id.as_str()) => Ok(yes(&one.id, found)),
        _ => {
            let noted = task.store.note_candidates(task.admission, Stage::EhrWriter, &likely).await;
            noted.map_err(|_| Stop::store())?;
            Err(Stop::Hold(Code::DoubtfulMatch))
        }
    }
}

/// Looks at a patient of whom the ledger knows no version before anything is written there: it may have only a person's word for it that this
/// is the one, and a digit may be wrong. Gives the version that was seen.
///
/// # Errors
/// [`Stop::Mistaken`]: there is no such patient, or it is somebody else.
pub(crate) async fn confirm(task: &Task<'_>, id: &str) -> Result<Option<ETag>, Stop> {
    let there = match task.ehr.read_patient(id).await {
        Ok(there) => there,
        Err(ReadFault::Missing) => return Err(Stop::Mistaken(id.to_owned())),
        // This server shows nobody: then the person's word is all that there is.
        Err(ReadFault::Refused { .. }) => return Ok(None),
        Err(fault) => return Err(Stop::read(&fault, &task.endpoint)),
    };
    // One that carries our identifier is ours, or somebody else of ours.
    let ours = task.identity(Target::Patient).to_hex();
    let known = &there.person;
    let right = if known.identifiers.is_empty() {
        let wanted = PersonRecord::from(task.intake);
        record(known).is_some_and(|known| task.matcher.compare(&wanted, &known) != Verdict::Different)
    } else {
        known.identifiers.contains(&ours)
    };
    if right { Ok(there.version) } else { Err(Stop::Mistaken(id.to_owned())) }
}

/// A record without a birth date is nobody that a search by birth date can mean.
fn record(known: &ExistingPatient) -> Option<PersonRecord> {
    let patient = Patient {
        given: known.given.clone(),
        middle: known.middle.clone(),
        family: known.family.clone(),
        birth_date: known.birth_date?,
        sex: known.sex,
        phone: known.phones.iter().find_map(|phone| e164(phone)),
        email: known.emails.first().cloned(),
        address: known.address.clone(),
    };
    Some(PersonRecord::of(&patient, None))
}
