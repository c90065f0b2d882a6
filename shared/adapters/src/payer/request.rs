//! What every protocol needs to ask: who asks, and one-time numbers.

use std::collections::BTreeMap;

use domain::clock::Clock;

use super::Inquiry;

/// Who asks, as configured.
pub(crate) struct Asker {
    pub(crate) organisation: String,
    pub(crate) npi: String,
    /// The receiver's identifiers of payers, by lower-case name.
    pub(crate) ids: BTreeMap<String, String>,
}

impl Asker {
    pub(crate) fn organisation<'a>(&'a self, inquiry: &'a Inquiry) -> &'a str {
        inquiry.organisation.as_deref().unwrap_or(&self.organisation)
    }

    pub(crate) fn npi<'a>(&'a self, inquiry: &'a Inquiry) -> &'a str {
        inquiry.npi.as_deref().unwrap_or(&self.npi)
    }

    /// The identifier under which the receiver knows the payer; its name if none is configured.
    pub(crate) fn payer_id<'a>(&'a self, inquiry: &'a Inquiry) -> &'a str {
        self.ids.get(&inquiry.payer.to_lowercase()).unwrap_or(&inquiry.payer)
    }
}

/// A nine-digit control number, never zero: unlike those of other requests, and saying nothing about how many there were.
pub(crate) fn control_number(clock: &dyn Clock) -> u32 {
    // The low half of a UUIDv7 is random.
    let number = clock.fresh_id().as_u128() % 999_999_999;
    u32::try_from(number).unwrap_or_default() + 1
}

/// The service types that are asked about, X12 code list 1365: health benefit plan coverage.
pub(crate) const SERVICE_TYPE: &str = "30";
/// Physician visit, office: what a co-pay is about.
pub(crate) const OFFICE_VISIT: &str = "98";
