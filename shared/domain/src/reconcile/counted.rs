//! What the senders say that they sent, against what was admitted.

use std::collections::BTreeMap;

use super::{Difference, Kind};
use crate::{ClinicId, ids::SourceName};

/// How many submissions a sender says that it sent on the day, and had accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// For which clinic.
    pub clinic: ClinicId,
    /// From where, such as `web_form`.
    pub source: SourceName,
    /// How many different submissions.
    pub count: u64,
}

/// One difference for each clinic and source of which a sender tells another count than was admitted (refused copies included: they were
/// sent, too). Of sources that nobody tells of nothing is said.
pub fn counted(sent: &[Sent], admitted: &BTreeMap<(ClinicId, SourceName), u64>) -> Vec<Difference> {
    let mut told: BTreeMap<(&ClinicId, &SourceName), u64> = BTreeMap::new();
    for one in sent {
        let count = told.entry((&one.clinic, &one.source)).or_default();
        *count = count.saturating_add(one.count);
    }
    let found = told.into_iter().filter_map(|((clinic, source), sent)| {
        let there = admitted.get(&(clinic.clone(), source.clone())).copied().unwrap_or(0);
        let (kind, count) = match sent.cmp(&there) {
            std::cmp::Ordering::Equal => return None,
            std::cmp::Ordering::Greater => (Kind::Lost, sent - there),
            std::cmp::Ordering::Less => (Kind::Unreported, there - sent),
        };
        Some(Difference {
            clinic_id: Some(clinic.clone()),
            source: Some(source.clone()),
            count,
            ..Difference::of(kind)
        })
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::{Kind, Sent, counted};

    proptest! {
        #[test]
        fn what_is_found_makes_up_for_the_difference(
            sent in prop::collection::vec((0_usize..3, 0_u64..9), 0..8),
            admitted in prop::collection::btree_map(0_usize..3, 0_u64..20, 0..3),
        ) {
            let key = |n: usize| (format!("clinic-{n}").parse().unwrap(), "web_form".parse().unwrap());
            let told: Vec<Sent> = sent.iter().map(|(n, count)| {
                let (clinic, source) = key(*n);
                Sent { clinic, source, count: *count }
            }).collect();
            let there: BTreeMap<_, _> = admitted.iter().map(|(n, count)| (key(*n), *count)).collect();
            let found = counted(&told, &there);
            for n in 0..3 {
                let (clinic, _) = key(n);
                let rows: Vec<_> = found.iter().filter(|row| row.clinic_id.as_ref() == Some(&clinic)).collect();
                let sum: i64 = rows.iter().map(|row| {
                    let count = i64::try_from(row.count).unwrap();
                    if row.kind == Kind::Lost { count } else { -count }
                }).sum();
                let says: u64 = sent.iter().filter(|(one, _)| *one == n).map(|(_, count)| count).sum();
                let tells = sent.iter().any(|(one, _)| *one == n);
                let expected = if tells { i64::try_from(says).unwrap() - i64::try_from(admitted.get(&n).copied().unwrap_or(0)).unwrap() } else { 0 };
                prop_assert_eq!(sum, expected);
                prop_assert!(rows.len() <= 1 && rows.iter().all(|row| row.count > 0));
            }
        }
    }
}
