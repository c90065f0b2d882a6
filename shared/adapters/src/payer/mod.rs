//! Payers: is this person covered on that day? One trait, one folder a protocol.

mod answer;
mod config;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod directory;
#[cfg(any(test, feature = "conformance"))]
pub mod fake;
pub mod json;
mod post;
mod rejection;
mod request;
#[cfg(test)]
mod tests;
pub mod x12;

use std::time::Duration;

use async_trait::async_trait;
use domain::{intake::Sex, messages::Eligibility};
use jiff::civil::Date;

pub use config::PayerConfig;
pub use directory::{PayerDirectory, Route};
pub use domain::template::PayerProtocol as Protocol;

/// Somebody who can be asked about coverage. Asking changes nothing: it may be repeated.
#[async_trait]
pub trait Payer: Send + Sync + 'static {
    /// Asks about one member on one day.
    ///
    /// A member whom the payer does not know is an answer ([`NotFound`](domain::messages::EligibilityStatus)), and so is
    /// one about whom it will not say ([`Undetermined`](domain::messages::EligibilityStatus)).
    ///
    /// # Errors
    /// [`PayerFault`]: we could not find out.
    async fn eligibility(&self, inquiry: &Inquiry) -> Result<Eligibility, PayerFault>;
}

/// What is asked. All of it is PHI: no `Debug`.
#[derive(Clone)]
pub struct Inquiry {
    /// The payer's name, as configured.
    pub payer: String,
    /// Member id.
    pub member_id: String,
    /// The patient's given name.
    pub given: String,
    /// The patient's middle name or initial.
    pub middle: Option<String>,
    /// The patient's family name.
    pub family: String,
    /// The patient's date of birth.
    pub birth_date: Date,
    /// The patient's administrative sex.
    pub sex: Sex,
    /// Who holds the policy, if not the patient.
    pub holder: Option<Holder>,
    /// The day of the visit.
    pub service_date: Date,
    /// The asking clinic's name; the configured organisation if absent.
    pub organisation: Option<String>,
    /// The asking provider's NPI; the configured one if absent.
    pub npi: Option<String>,
}

/// Who holds a policy. PHI: no `Debug`.
#[derive(Clone)]
pub struct Holder {
    /// Given name.
    pub given: String,
    /// Family name.
    pub family: String,
    /// Date of birth.
    pub birth_date: Option<Date>,
}

/// We could not find out. Named by what the caller can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayerFault {
    /// No answer: ask again later.
    Unavailable,
    /// Whom we ask has answered, for a payer that cannot answer now (AAA 42, 80): ask again later. Others' payers behind it may well answer.
    NotNow,
    /// Asked to wait.
    Throttled {
        /// At least this long.
        after: Duration,
    },
    /// The payer refuses us as a sender or provider: somebody must change the set-up. Asking again does not help.
    Refused,
    /// The answer cannot be read, or belongs to another question.
    Unreadable,
}
