//! Identifiers, each a type of its own.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Why a text is not the identifier that it should be. Never quotes the text: a sender may have put anything there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{kind} must be {rule}")]
pub struct IdError {
    kind: &'static str,
    rule: &'static str,
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $rule:literal, $max:literal, $ok:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks the text against the rule in the type's description.
            ///
            /// # Errors
            /// [`IdError`] names the rule that the text breaks.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                let ok: fn(char) -> bool = $ok;
                if text.is_empty() || text.len() > $max || !text.chars().all(ok) {
                    return Err(IdError { kind: stringify!($name), rule: $rule });
                }
                Ok(Self(text.to_owned()))
            }

            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::parse(&text)
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::parse(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    };
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps a UUID that was made or stored elsewhere.
            pub const fn from_uuid(id: Uuid) -> Self {
                Self(id)
            }

            /// The bare UUID, for storage and wire formats.
            pub const fn as_uuid(&self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                Uuid::parse_str(text).map(Self)
            }
        }
    };
}

const fn dashed(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'
}

text_id! {
    /// A clinic's identifier: 1 to 63 of `a-z`, `0-9` and `-`, so that it fits a routing key and a folder name.
    ClinicId, "1 to 63 of a-z, 0-9 and -", 63, dashed
}
text_id! {
    /// A lane's name: 1 to 63 of `a-z`, `0-9` and `-`. Lanes name queues (`<stage>.<lane>`).
    LaneName, "1 to 63 of a-z, 0-9 and -", 63, dashed
}
text_id! {
    /// The sender's identifier of a submission: 1 to 64 of `A-Z a-z 0-9 . _ : -`. It must be opaque: never a name or a number of a person.
    SubmissionId, "1 to 64 of A-Z, a-z, 0-9, '.', '_', ':' and '-'", 64,
    |c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | ':' | '-')
}
text_id! {
    /// Where a submission came from, such as `web_form` or `kiosk`: 1 to 40 of `a-z`, `0-9`, `_` and `-`.
    SourceName, "1 to 40 of a-z, 0-9, _ and -", 40,
    |c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-')
}
text_id! {
    /// What a person's decision names: an opaque id, or the number of a paper. 1 to 128 visible ASCII characters. Never a name of a person.
    Reference, "1 to 128 visible ASCII characters", 128, |c| c.is_ascii_graphic()
}

uuid_id! {
    /// Ties everything that is done for one submission together, from the first request to the last message.
    CorrelationId
}
uuid_id! {
    /// One hand-off from one stage to the next (UUIDv7).
    MessageId
}
uuid_id! {
    /// One row of the admissions: a submission, or a refused conflicting copy of one (UUIDv7).
    AdmissionId
}
uuid_id! {
    /// One arrival of a message among the dead letters.
    LetterId
}
uuid_id! {
    /// One plan to replay dead letters (UUIDv7).
    PlanId
}
uuid_id! {
    /// One request to discard dead letters, which a second person approves (UUIDv7).
    DiscardId
}
uuid_id! {
    /// One edit of a dead letter (UUIDv7).
    EditId
}
uuid_id! {
    /// One person at one clinic, as the matching found: the key of the EHR-writer's patient slot. Says nothing about the person.
    PersonId
}
uuid_id! {
    /// One life of one process of a stage: it does not outlive it.
    ProcessId
}
uuid_id! {
    /// A message that its consumers died of, in one queue: the same at every delivery.
    SuspectId
}

#[cfg(test)]
mod tests {
    use super::{ClinicId, SubmissionId};

    #[test]
    fn clinic_ids_fit_a_routing_key() {
        assert!(ClinicId::parse("clinic-01").is_ok());
        for bad in ["", "Clinic", "a.b", "a#", &"x".repeat(64)] {
            assert!(ClinicId::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn errors_do_not_quote_the_text() {
        let error = SubmissionId::parse("Jane Doe").unwrap_err().to_string();
        assert!(!error.contains("Jane"), "{error}");
    }
}
