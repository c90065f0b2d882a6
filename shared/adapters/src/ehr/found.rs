//! What an EHR holds, as far as we look. Nothing here implements `Debug` that holds PHI.

use domain::intake::{Address, Sex};
use jiff::{Timestamp, civil::Date};
use serde_json::Value;

use super::{ETag, ReadFault};

/// What a search by our identifier found.
#[derive(Clone, PartialEq, Eq)]
pub enum Search {
    /// Nothing carries the identifier (as far as this EHR's index knows: see [`Profile::search_lag`](super::Profile)).
    None,
    /// Exactly one does.
    One {
        /// The EHR's id.
        id: String,
        /// Its version, if the server says.
        version: Option<ETag>,
        /// Whether it is about the same person, member or visit as what we would write.
        agrees: bool,
        /// Whether it already holds all that we would write: an update of unknown outcome did happen.
        current: bool,
    },
    /// Several do.
    Several,
    /// We could not find out.
    Failed(ReadFault),
}

/// A patient as the EHR holds it.
#[derive(Clone)]
pub struct PatientRecord {
    /// The EHR's id.
    pub id: String,
    /// Its version, if the server says.
    pub version: Option<ETag>,
    /// What it says of the person.
    pub person: ExistingPatient,
}

/// A person that the EHR knows, reduced to what matching compares.
#[derive(Clone, PartialEq, Eq)]
pub struct ExistingPatient {
    /// The EHR's id.
    pub id: String,
    /// Its version, if the server says.
    pub version: Option<ETag>,
    /// Our identifier's values on it; empty for a patient that the clinic made itself.
    pub identifiers: Vec<String>,
    /// First given name.
    pub given: String,
    /// Second and further given names.
    pub middle: Option<String>,
    /// Family name.
    pub family: String,
    /// Date of birth.
    pub birth_date: Option<Date>,
    /// Administrative sex.
    pub sex: Sex,
    /// Phone numbers as written there.
    pub phones: Vec<String>,
    /// E-mail addresses as written there.
    pub emails: Vec<String>,
    /// First address.
    pub address: Option<Address>,
}

/// A slot's state, as far as it matters for booking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotStatus {
    /// Can be booked.
    Free,
    /// Taken, or kept back.
    Busy,
}

/// A slot.
#[derive(Debug, Clone)]
pub struct SlotFound {
    /// The EHR's id.
    pub id: String,
    /// Its version, if the server says.
    pub version: Option<ETag>,
    /// Whether it is free.
    pub status: SlotStatus,
    /// Its start.
    pub start: Timestamp,
    /// Its length.
    pub minutes: u16,
    /// Our identifier's values on it.
    pub(crate) claims: Vec<String>,
    /// The resource as the server sent it, so that a claim changes nothing but what it must.
    pub(crate) raw: Value,
}

impl SlotFound {
    /// Whether it is busy because `value` claimed it.
    pub fn claimed_by_us(&self, value: &str) -> bool {
        self.status == SlotStatus::Busy && self.claims.iter().any(|claim| claim == value)
    }
}

/// Whether two texts are the same to a person: case and spaces do not count.
pub(super) fn alike(a: &str, b: &str) -> bool {
    a.split_whitespace().map(str::to_lowercase).eq(b.split_whitespace().map(str::to_lowercase))
}

#[cfg(test)]
mod tests {
    use super::alike;

    #[test]
    fn case_and_spaces_do_not_count() {
        assert!(alike(" Mary  ANN ", "mary ann"));
        assert!(!alike("maryann", "mary ann"));
    }
}
