//! From the verdicts on all candidates to one decision.

use super::Verdict;

/// Who a record is, among the known persons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution<K> {
    /// This known person.
    Known(K),
    /// Nobody known.
    New,
    /// A person must decide.
    Doubtful,
}

/// Decides by the verdicts on known persons' records (a person may have several): one person is the same → that one;
/// none is the same and none doubtful → new; else, and if two different persons are the same, doubtful.
pub fn resolve<K: PartialEq>(candidates: impl IntoIterator<Item = (K, Verdict)>) -> Resolution<K> {
    let (mut known, mut doubtful) = (None, false);
    for (person, verdict) in candidates {
        match verdict {
            Verdict::Different => {}
            Verdict::Doubtful => doubtful = true,
            Verdict::Same => match &known {
                Some(other) if *other != person => return Resolution::Doubtful,
                _ => known = Some(person),
            },
        }
    }
    match known {
        Some(person) => Resolution::Known(person),
        None if doubtful => Resolution::Doubtful,
        None => Resolution::New,
    }
}

#[cfg(test)]
mod tests {
    use super::{Resolution, Verdict, resolve};

    #[test]
    fn decisions() {
        use Verdict::{Different, Doubtful, Same};
        for (candidates, expected) in [
            (vec![], Resolution::New),
            (vec![(1, Different)], Resolution::New),
            (vec![(1, Different), (2, Same), (2, Same)], Resolution::Known(2)),
            (vec![(1, Doubtful), (2, Same)], Resolution::Known(2)),
            (vec![(1, Same), (2, Same)], Resolution::Doubtful),
            (vec![(1, Different), (2, Doubtful)], Resolution::Doubtful),
        ] {
            assert_eq!(resolve(candidates), expected);
        }
    }
}
