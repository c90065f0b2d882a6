//! AAA: the payer says why it does not answer (X12 code lists 901 and 889). One table for all protocols.

use std::time::Duration;

use domain::messages::EligibilityStatus;

use super::PayerFault;

/// Whom a rejection is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// The payer or its systems (2000A, 2100A).
    Payer,
    /// Us, who ask (2100B).
    Provider,
    /// The member (2100C, 2110C, 2100D, 2110D).
    Member,
}

/// One rejection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rejection {
    pub(crate) level: Level,
    /// AAA03, the reason.
    pub(crate) reason: String,
    /// AAA04, what to do.
    pub(crate) follow_up: String,
}

/// What a rejection means for us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// We could not find out.
    Fault(PayerFault),
    /// It is an answer about the member.
    Status(EligibilityStatus),
}

/// A payer whose contract allows no more questions for now.
const QUOTA: Duration = Duration::from_secs(60);

impl Rejection {
    fn meaning(&self) -> Meaning {
        match (self.level, self.reason.as_str()) {
            // "Unable to respond at current time", "no response received - transaction terminated".
            (_, "42" | "80") => Meaning::Fault(PayerFault::NotNow),
            // "Authorized quantity exceeded".
            (Level::Payer, "04") => Meaning::Fault(PayerFault::Throttled { after: QUOTA }),
            // Invalid or missing member id, patient not found, member not found, found but not as this patient.
            (Level::Member, "64" | "67" | "72" | "75" | "77") => Meaning::Status(EligibilityStatus::NotFound),
            // The rest about a member (birth date 58 71, name 65 73, sex 66 74, duplicate 68 76, dates 60 to 63, missing data
            // 15, provider 43, ...): it may well be known, so a person must look.
            (Level::Member, _) => Meaning::Status(EligibilityStatus::Undetermined),
            // "Resubmit the original transaction": the payer's own trouble, whatever the reason.
            (Level::Payer, _) if self.follow_up == "P" => Meaning::Fault(PayerFault::NotNow),
            // Access restrictions, invalid participant, provider not on file: somebody must change the set-up.
            (Level::Payer | Level::Provider, _) => Meaning::Fault(PayerFault::Refused),
        }
    }
}

/// What several rejections mean together. Trouble that passes goes first: it may be the cause of the others (79 with 42).
pub(crate) fn meaning(rejections: &[Rejection]) -> Option<Meaning> {
    let rank = |meaning: &Meaning| match meaning {
        Meaning::Fault(PayerFault::Throttled { .. }) => 0,
        Meaning::Fault(PayerFault::Unavailable | PayerFault::NotNow) => 1,
        Meaning::Fault(PayerFault::Refused | PayerFault::Unreadable) => 2,
        Meaning::Status(EligibilityStatus::NotFound) => 3,
        Meaning::Status(_) => 4,
    };
    rejections.iter().map(Rejection::meaning).min_by_key(rank)
}

#[cfg(test)]
mod tests {
    use domain::messages::EligibilityStatus::{NotFound, Undetermined};

    use super::{
        Level::{Member, Payer, Provider},
        Meaning::{Fault, Status},
        PayerFault, QUOTA, Rejection, meaning,
    };

    fn reject(level: super::Level, reason: &str) -> Rejection {
        Rejection { level, reason: reason.to_owned(), follow_up: "C".to_owned() }
    }

    #[test]
    fn each_reason_means_what_the_caller_can_do() {
        for (level, reason, expected) in [
            (Payer, "42", Fault(PayerFault::NotNow)),
            (Payer, "80", Fault(PayerFault::NotNow)),
            (Member, "42", Fault(PayerFault::NotNow)),
            (Payer, "04", Fault(PayerFault::Throttled { after: QUOTA })),
            (Payer, "41", Fault(PayerFault::Refused)),
            (Payer, "79", Fault(PayerFault::Refused)),
            (Payer, "T4", Fault(PayerFault::Refused)),
            (Provider, "15", Fault(PayerFault::Refused)),
            (Provider, "43", Fault(PayerFault::Refused)),
            (Provider, "51", Fault(PayerFault::Refused)),
            (Member, "72", Status(NotFound)),
            (Member, "75", Status(NotFound)),
            (Member, "67", Status(NotFound)),
            (Member, "71", Status(Undetermined)),
            (Member, "73", Status(Undetermined)),
            (Member, "65", Status(Undetermined)),
            (Member, "15", Status(Undetermined)),
            (Member, "43", Status(Undetermined)),
            (Member, "ZZ", Status(Undetermined)),
        ] {
            assert_eq!(meaning(&[reject(level, reason)]), Some(expected), "{level:?} {reason}");
        }
    }

    #[test]
    fn what_passes_goes_first() {
        let both = [reject(Payer, "79"), reject(Payer, "42")];
        assert_eq!(meaning(&both), Some(Fault(PayerFault::NotNow)));
        let both = [reject(Member, "73"), reject(Member, "75")];
        assert_eq!(meaning(&both), Some(Status(NotFound)));
        assert_eq!(meaning(&[]), None);
    }
}
