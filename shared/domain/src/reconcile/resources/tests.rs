use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use proptest::prelude::*;
use uuid::Uuid;

use super::{Key, Kind, Origin, Seen, Written, absent, missing, stray, twice};
use crate::{AdmissionId, effect};

fn key(n: u8) -> Key {
    let what = [effect::Kind::Patient, effect::Kind::Coverage, effect::Kind::Appointment][usize::from(n % 3)];
    Key { ehr: format!("ehr-{}", n % 2), what, identifier: format!("{n:02x}") }
}

fn origin(n: u8) -> Origin {
    Origin {
        clinic: "clinic-01".parse().unwrap(),
        admission: AdmissionId::from_uuid(Uuid::from_u128(u128::from(n))),
        submission: format!("s-{n}").parse().unwrap(),
        at: Timestamp::from_second(i64::from(n)).unwrap(),
    }
}

fn written(n: u8) -> Written {
    Written { key: key(n), resource: Some(format!("r-{n}")), origin: origin(n) }
}

fn seen(n: u8, copy: u8) -> Seen {
    Seen { key: key(n), resource: format!("r-{n}-{copy}"), updated: None }
}

fn known(names: &BTreeSet<u8>) -> BTreeMap<Key, Origin> {
    names.iter().map(|n| (key(*n), origin(*n))).collect()
}

#[test]
fn what_was_deleted_copied_and_planted_is_told_apart() {
    let wrote = [written(1), written(2), written(2), written(3)];
    let there = [seen(2, 0), seen(3, 0), seen(3, 1), seen(3, 1), seen(9, 0)];
    let known = known(&[1, 2, 3].into());
    let lost = missing(&absent(&wrote, &there));
    assert_eq!(
        (lost.len(), lost[0].kind, lost[0].resources.as_slice()),
        (1, Kind::MissingInEhr, ["Coverage/r-1".to_owned()].as_slice())
    );
    assert_eq!(lost[0].submission_id, Some("s-1".parse().unwrap()));
    let double = twice(&there, &known);
    assert_eq!((double.len(), double[0].count, double[0].resources.len()), (1, 2, 2));
    let foreign = stray(&there, &known);
    assert_eq!((foreign.len(), foreign[0].kind, foreign[0].clinic_id.clone()), (1, Kind::NotInLedger, None));
    assert_eq!(foreign[0].resources, ["Patient/r-9-0"]);
}

proptest! {
    /// Whatever is where, each thing is told once, and nothing else is.
    #[test]
    fn every_difference_is_one_row(
        wrote in prop::collection::vec(0_u8..12, 0..20),
        there in prop::collection::vec((0_u8..12, 0_u8..3), 0..20),
        also in prop::collection::btree_set(0_u8..12, 0..6),
    ) {
        let (written, seen): (Vec<_>, Vec<_>) =
            (wrote.iter().map(|n| written(*n)).collect(), there.iter().map(|(n, copy)| seen(*n, *copy)).collect());
        let ledger: BTreeSet<u8> = wrote.iter().copied().chain(also).collect();
        let known = known(&ledger);
        let distinct: BTreeSet<(u8, u8)> = there.iter().copied().collect();
        let copies = |n: u8| distinct.iter().filter(|(one, _)| *one == n).count();
        let wanted: BTreeSet<u8> = wrote.iter().copied().collect();
        let (gone, double, foreign) = (missing(&absent(&written, &seen)), twice(&seen, &known), stray(&seen, &known));
        prop_assert_eq!(gone.len(), wanted.iter().filter(|n| copies(**n) == 0).count());
        prop_assert_eq!(double.len(), ledger.iter().filter(|n| copies(**n) > 1).count());
        let strangers: usize = (0..12).filter(|n| !ledger.contains(n)).map(copies).sum();
        prop_assert_eq!(foreign.len(), strangers);
        // The order in which they were read does not matter.
        let (mut backwards, mut other) = (seen, written);
        backwards.reverse();
        other.reverse();
        let sorted = |mut rows: Vec<super::Difference>| { rows.sort_by_key(|row| format!("{row:?}")); rows };
        prop_assert_eq!(sorted(double), sorted(twice(&backwards, &known)));
        prop_assert_eq!(sorted(gone), sorted(missing(&absent(&other, &backwards))));
        prop_assert_eq!(sorted(foreign), sorted(stray(&backwards, &known)));
    }

    /// Where the EHR holds each thing that was written once, and nothing else, there is nothing to tell.
    #[test]
    fn a_clean_world_has_no_rows(wrote in prop::collection::btree_set(0_u8..40, 0..40)) {
        let (written, seen): (Vec<_>, Vec<_>) =
            (wrote.iter().map(|n| written(*n)).collect(), wrote.iter().map(|n| seen(*n, 0)).collect());
        let known = known(&wrote);
        prop_assert!(absent(&written, &seen).is_empty() && twice(&seen, &known).is_empty() && stray(&seen, &known).is_empty());
    }
}
