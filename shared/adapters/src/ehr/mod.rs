//! Electronic health records: one trait, one folder a vendor, what each can do as data.
//!
//! A new vendor is a folder beside [`fhir`] with a type that implements [`Ehr`], a [`Profile`], and a line in
//! [`EhrConfig::connect`]. It is done when it passes the `conformance` suite.

mod config;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod directory;
#[cfg(any(test, feature = "conformance"))]
pub mod fake;
pub mod fhir;
mod found;
pub mod oauth;
mod ours;
mod outcome;
mod profile;
mod write;

use std::time::Duration;

use async_trait::async_trait;
use jiff::{Timestamp, civil::Date};

pub use config::{EhrConfig, SiteClass};
pub use directory::EhrDirectory;
pub use found::{ExistingPatient, PatientRecord, Search, SlotFound, SlotStatus};
pub use ours::{Ask, Cursor, OurPage, Ours};
pub use outcome::{ETag, IssueCode, ReadFault, WriteOutcome};
pub use profile::Profile;
pub use write::{AppointmentWrite, CoverageWrite, PatientWrite, System, Wanted};

/// One EHR.
///
/// Every method returns within [`Ehr::deadline`], sends each write at most once (a 401 alone is answered by one more
/// try with a fresh token, since a server that refuses a token has done nothing), and follows no redirect.
#[async_trait]
pub trait Ehr: Send + Sync + 'static {
    /// What this EHR can do.
    fn profile(&self) -> &Profile;

    /// The longest that any one call takes: a lease must be longer.
    fn deadline(&self) -> Duration;

    /// Creates a patient that carries `write.identifier`. Where the profile says so, conditionally on that identifier.
    async fn create_patient(&self, write: &PatientWrite) -> WriteOutcome;

    /// Reads a patient by the EHR's id.
    ///
    /// # Errors
    /// [`ReadFault`]; [`ReadFault::Missing`] if there is none.
    async fn read_patient(&self, id: &str) -> Result<PatientRecord, ReadFault>;

    /// Writes what the patient now states over what the EHR holds, keeping everything else that it holds.
    /// With a `version`, only if that is still the present one ([`WriteOutcome::Stale`] otherwise); without, whatever is present.
    async fn update_patient(&self, id: &str, version: Option<&ETag>, write: &PatientWrite) -> WriteOutcome;

    /// Looks for what a write would have made, by our identifier. This is how an unknown outcome is resolved.
    async fn find(&self, wanted: Wanted<'_>) -> Search;

    /// Patients of that family name and birth date, ours or not. Empty where [`Profile::can_match`] is false.
    ///
    /// # Errors
    /// [`ReadFault`].
    async fn candidates(&self, family: &str, birth_date: Date) -> Result<Vec<ExistingPatient>, ReadFault>;

    /// Creates a coverage that carries `write.identifier`.
    async fn create_coverage(&self, write: &CoverageWrite) -> WriteOutcome;

    /// As [`Ehr::update_patient`], of a coverage.
    async fn update_coverage(&self, id: &str, version: Option<&ETag>, write: &CoverageWrite) -> WriteOutcome;

    /// The provider's slot at that time. Of several, the one that `ours` claimed, or else a free one.
    ///
    /// # Errors
    /// [`ReadFault`].
    async fn find_slot(
        &self,
        provider: &str,
        start: Timestamp,
        ours: &str,
    ) -> Result<Option<SlotFound>, ReadFault>;

    /// Makes a free slot busy and marks it as claimed by `value`, if it has not changed since it was found.
    /// `Stale`: somebody else has it, or it changed: look again. A slot that `value` claimed already is `Done`.
    async fn claim_slot(&self, slot: &SlotFound, value: &str) -> WriteOutcome;

    /// Gives a slot back that `value` claimed. A slot that `value` does not hold is left alone, and that is `Done`.
    async fn release_slot(&self, slot_id: &str, value: &str) -> WriteOutcome;

    /// Up to `limit` free slots of a provider from a time on, earliest first.
    ///
    /// # Errors
    /// [`ReadFault`].
    async fn free_slots(
        &self,
        provider: &str,
        from: Timestamp,
        limit: usize,
    ) -> Result<Vec<SlotFound>, ReadFault>;

    /// Creates a booked appointment that carries `write.identifier`.
    async fn create_appointment(&self, write: &AppointmentWrite) -> WriteOutcome;

    /// Whether a resource of this id is there, whatever identifiers it carries. What was deleted is not.
    ///
    /// # Errors
    /// [`ReadFault`], but not [`ReadFault::Missing`].
    async fn exists(&self, system: System, id: &str) -> Result<bool, ReadFault>;

    /// A page of the resources that carry identifiers of ours in a system, whatever else they are. Nothing is written. One page is one call:
    /// the next is asked for with the cursor of the one before.
    ///
    /// # Errors
    /// [`ReadFault`]; [`ReadFault::Refused`] where this server cannot be asked so.
    async fn ours(&self, system: System, ask: Ask<'_>) -> Result<OurPage, ReadFault>;
}
