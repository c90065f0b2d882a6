//! What did not come to its end.

use jiff::Timestamp;

use super::{Difference, Kind};
use crate::{AdmissionId, ClinicId, Code, SubmissionId};

/// Where a submission stands, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// On its way.
    InFlight,
    /// A person decides.
    Held,
    /// To be replayed, edited or discarded.
    Dead,
    /// Completed, rejected, or a duplicate.
    Ended,
}

/// A submission that may not have come to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// Its row.
    pub admission: AdmissionId,
    /// The sender's identifier.
    pub submission: SubmissionId,
    /// The clinic.
    pub clinic: ClinicId,
    /// Where it stands.
    pub standing: Standing,
    /// Why.
    pub code: Option<Code>,
    /// Whether an effect of it in the EHR, or a message to its patient, is in doubt and nobody works on it.
    pub in_doubt: bool,
    /// Whether the journal knows of it: else nobody knows that its message was answered.
    pub answered: bool,
    /// When we first saw it.
    pub received_at: Timestamp,
    /// When it came to where it stands.
    pub settled_at: Option<Timestamp>,
}

/// The difference that a submission is, if it is one. `late` is the SLA ago: what was received since may still be on its way.
pub fn open(one: &Open, late: Timestamp) -> Option<Difference> {
    let overdue = one.received_at < late;
    let kind = match one.standing {
        // What is in doubt is still worked on, unless it takes too long.
        Standing::InFlight if overdue => Kind::Overdue,
        Standing::InFlight => return None,
        _ if one.in_doubt => Kind::InDoubt,
        Standing::Held => Kind::Held,
        Standing::Dead => Kind::Dead,
        Standing::Ended if !one.answered && overdue => Kind::Overdue,
        Standing::Ended => return None,
    };
    let since = match kind {
        Kind::Overdue => Some(one.received_at),
        _ => one.settled_at.or(Some(one.received_at)),
    };
    Some(Difference {
        clinic_id: Some(one.clinic.clone()),
        admission_id: Some(one.admission),
        submission_id: Some(one.submission.clone()),
        code: one.code,
        since,
        ..Difference::of(kind)
    })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::{Kind, Open, Standing, open};
    use crate::AdmissionId;

    fn one(standing: Standing, in_doubt: bool, answered: bool, received: i64) -> Open {
        Open {
            admission: AdmissionId::from_uuid(Uuid::nil()),
            submission: "s-1".parse().unwrap(),
            clinic: "clinic-01".parse().unwrap(),
            standing,
            code: None,
            in_doubt,
            answered,
            received_at: Timestamp::from_second(received).unwrap(),
            settled_at: (standing != Standing::InFlight)
                .then(|| Timestamp::from_second(received + 1).unwrap()),
        }
    }

    #[test]
    fn each_stands_for_one_kind() {
        let late = Timestamp::from_second(1000).unwrap();
        let kind = |standing, in_doubt, answered, received| {
            open(&one(standing, in_doubt, answered, received), late).map(|found| found.kind)
        };
        for (standing, in_doubt, answered, received, expected) in [
            (Standing::InFlight, false, true, 999, Some(Kind::Overdue)),
            (Standing::InFlight, true, true, 1000, None),
            (Standing::Held, false, true, 2000, Some(Kind::Held)),
            (Standing::Held, true, true, 999, Some(Kind::InDoubt)),
            (Standing::Dead, false, true, 999, Some(Kind::Dead)),
            (Standing::Dead, true, true, 999, Some(Kind::InDoubt)),
            (Standing::Ended, false, true, 999, None),
            (Standing::Ended, true, true, 2000, Some(Kind::InDoubt)),
            (Standing::Ended, false, false, 999, Some(Kind::Overdue)),
            (Standing::Ended, false, false, 1000, None),
        ] {
            assert_eq!(
                kind(standing, in_doubt, answered, received),
                expected,
                "{standing:?} {in_doubt} {answered} {received}"
            );
        }
    }

    proptest! {
        #[test]
        fn waiting_longer_never_takes_a_difference_away(
            standing in prop::sample::select(vec![Standing::InFlight, Standing::Held, Standing::Dead, Standing::Ended]),
            in_doubt: bool, answered: bool, received in 0_i64..1000, late in 0_i64..1000, more in 0_i64..1000,
        ) {
            let one = one(standing, in_doubt, answered, received);
            let at = |second| open(&one, Timestamp::from_second(second).unwrap());
            if let Some(found) = at(late) {
                prop_assert_eq!(at(late + more), Some(found));
            }
        }
    }
}
