//! The ledger's account of the EHR against the EHR's own contents, by the identifiers that we wrote.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{Difference, Kind};
use crate::{AdmissionId, ClinicId, SubmissionId, effect};

/// What we call one thing in one EHR.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The EHR, as configured.
    pub ehr: String,
    /// What it is.
    pub what: effect::Kind,
    /// The value of our identifier.
    pub identifier: String,
}

/// Whose write made it, as the ledger knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The clinic.
    pub clinic: ClinicId,
    /// The admission.
    pub admission: AdmissionId,
    /// The sender's identifier.
    pub submission: SubmissionId,
    /// When the ledger changed it last.
    pub at: Timestamp,
}

/// A write that is done, by the ledger's account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// What was written.
    pub key: Key,
    /// The EHR's id of it.
    pub resource: Option<String>,
    /// Whose it is.
    pub origin: Origin,
}

/// A resource of the EHR that carries an identifier of ours.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seen {
    /// Under which name.
    pub key: Key,
    /// The EHR's id.
    pub resource: String,
    /// When it was changed last, if the EHR says.
    pub updated: Option<Timestamp>,
}

/// The first write of each thing that no resource carries the name of. Several writes of one thing (a patient is created and then updated)
/// count once.
pub fn absent<'w>(written: &'w [Written], seen: &[Seen]) -> Vec<&'w Written> {
    let there: BTreeSet<&Key> = seen.iter().map(|one| &one.key).collect();
    let mut told = BTreeSet::new();
    written.iter().filter(|one| !there.contains(&one.key) && told.insert(&one.key)).collect()
}

/// A difference for each write that is not there.
pub fn missing(absent: &[&Written]) -> Vec<Difference> {
    let found = absent.iter().map(|one| Difference {
        ehr: Some(one.key.ehr.clone()),
        resources: one.resource.iter().map(|id| reference(one.key.what, id)).collect(),
        ..of(Kind::MissingInEhr, &one.origin)
    });
    found.collect()
}

/// A difference for each thing that the ledger wrote and that several resources carry the name of.
pub fn twice(seen: &[Seen], known: &BTreeMap<Key, Origin>) -> Vec<Difference> {
    let several = by_key(seen).into_iter().filter(|(_, resources)| resources.len() > 1);
    let found = several.filter_map(|(key, resources)| {
        let origin = known.get(key)?;
        Some(Difference {
            ehr: Some(key.ehr.clone()),
            count: resources.len() as u64,
            resources: resources.into_iter().map(|id| reference(key.what, id)).collect(),
            ..of(Kind::TwiceInEhr, origin)
        })
    });
    found.collect()
}

/// A difference for each resource that carries a name of which the ledger knows no write.
pub fn stray(seen: &[Seen], known: &BTreeMap<Key, Origin>) -> Vec<Difference> {
    let mut told = BTreeSet::new();
    let strays = seen.iter().filter(|one| !known.contains_key(&one.key));
    let once = strays.filter(|one| told.insert((&one.key.ehr, one.key.what, &one.resource)));
    let found = once.map(|one| Difference {
        ehr: Some(one.key.ehr.clone()),
        resources: vec![reference(one.key.what, &one.resource)],
        since: one.updated,
        ..Difference::of(Kind::NotInLedger)
    });
    found.collect()
}

fn by_key(seen: &[Seen]) -> BTreeMap<&Key, BTreeSet<&str>> {
    let mut by_key: BTreeMap<&Key, BTreeSet<&str>> = BTreeMap::new();
    for one in seen {
        by_key.entry(&one.key).or_default().insert(&one.resource);
    }
    by_key
}

fn of(kind: Kind, origin: &Origin) -> Difference {
    Difference {
        clinic_id: Some(origin.clinic.clone()),
        admission_id: Some(origin.admission),
        submission_id: Some(origin.submission.clone()),
        since: Some(origin.at),
        ..Difference::of(kind)
    }
}

/// `<type>/<id>`.
fn reference(what: effect::Kind, id: &str) -> String {
    let name = match what {
        effect::Kind::Patient => "Patient",
        effect::Kind::Coverage => "Coverage",
        effect::Kind::Appointment => "Appointment",
        effect::Kind::Slot | effect::Kind::SlotRelease => "Slot",
    };
    format!("{name}/{id}")
}

#[cfg(test)]
mod tests;
