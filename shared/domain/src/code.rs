//! The closed list of codes: everything that people, metrics and fingerprints say about a submission's end uses them.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal,)*) => {
        /// Why a submission was rejected, is held, or is dead. `docs/codes.md` is generated from this list.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Code { $($(#[doc = $doc])+ #[serde(rename = $text)] $name,)* }

        impl Code {
            /// Every code, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The code as it stands in messages, rows, metrics and documents.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }

            /// What it means, for people: one line.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),+).trim()),* }
            }
        }

        impl std::str::FromStr for Code {
            type Err = UnknownCode;
            fn from_str(text: &str) -> Result<Self, UnknownCode> {
                match text { $($text => Ok(Self::$name),)* _ => Err(UnknownCode) }
            }
        }
    };
}

/// The text is not one of [`Code::ALL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a known code")]
pub struct UnknownCode;

codes! {
    // The sender must change something (rejected).
    /// A required field is absent or empty.
    MissingField = "missing_field",
    /// A field's value cannot be used.
    InvalidField = "invalid_field",
    /// No clinic of that name is configured.
    UnknownClinic = "unknown_clinic",
    // A person decides (held).
    /// The same submission id came again with other content.
    SubmissionConflict = "submission_conflict",
    /// The person may or may not be one that is known.
    DoubtfulMatch = "doubtful_match",
    /// A consent that the clinic requires was not given.
    ConsentMissing = "consent_missing",
    /// The patient is a minor and no guardian is named.
    GuardianMissing = "guardian_missing",
    /// The requested slot is not free.
    SlotTaken = "slot_taken",
    /// This EHR does not let us do the rest; a task for a person.
    EhrCannotBook = "ehr_cannot_book",
    /// The EHR holds several resources with our identifier, or one that disagrees with what we wrote.
    EhrConflict = "ehr_conflict",
    /// The outcome of an EHR write is unknown and this EHR cannot be searched.
    EhrParked = "ehr_parked",
    /// The outcome of sending a message to the patient is unknown.
    NotificationParked = "notification_parked",
    // Faults (dead after their patience; replay, edit or discard).
    /// The message is not one that this stage can read: not JSON, wrong types, too deep, or required metadata is absent.
    Malformed = "malformed",
    /// The message's schema name or version is not known here.
    UnknownSchema = "unknown_schema",
    /// The message is sealed with a key that this service does not have.
    UnknownKey = "unknown_key",
    /// The sealed part does not open: it was altered, or moved from another message.
    SealBroken = "seal_broken",
    /// The message is larger than the stage accepts.
    TooLarge = "too_large",
    /// The clinic's template could not be applied: the template is wrong, not the submission.
    TemplateFailed = "template_failed",
    /// The payer did not answer.
    PayerUnavailable = "payer_unavailable",
    /// The payer's answer could not be read, or refuses us as a sender.
    PayerRefused = "payer_refused",
    /// The EHR did not answer, or answered that it cannot now.
    EhrUnavailable = "ehr_unavailable",
    /// The EHR refuses us: authentication or authorisation.
    EhrUnauthorized = "ehr_unauthorized",
    /// The EHR refused the resource for good.
    EhrRejected = "ehr_rejected",
    /// The mail relay or SMS provider did not answer.
    MessengerUnavailable = "messenger_unavailable",
    /// The mail relay or SMS provider refused the message for good.
    MessengerRefused = "messenger_refused",
    /// Our own database did not answer.
    StoreUnavailable = "store_unavailable",
    /// The broker returned or refused a hand-off.
    BrokerRefused = "broker_refused",
    /// A clinic, payer or EHR is not configured as this stage needs it.
    Misconfigured = "misconfigured",
    /// The handler panicked: a fault of ours.
    HandlerPanic = "handler_panic",
    /// The broker gave it up after too many deliveries without an end: it keeps killing its consumer.
    DeliveryLimit = "delivery_limit",
    /// Its consumers died of it again and again, at last with nothing else in hand: a fault of ours.
    Poison = "poison",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::Code;

    #[test]
    fn every_code_reads_back() {
        for code in Code::ALL {
            assert_eq!(code.as_str().parse::<Code>(), Ok(*code));
            assert_eq!(serde_json::to_string(code).unwrap(), format!("\"{code}\""));
        }
    }
}
