//! What the gateways say that they accepted, against what was admitted.

use domain::{
    SubmissionId,
    clock::{Clock, SystemClock},
    reconcile::{Accepted, Difference, Kind},
};
use jiff::{SignedDuration, Timestamp};
use ledger::Store;

use crate::{
    reconcile::DAY,
    support::{Fixture, admit, bare, clinic, submission},
};

/// Nine in the morning of the day: when the fixture's clock begins.
const NINE: Timestamp = Timestamp::constant(1_795_338_000, 0);

fn accepted(id: &str, at: Timestamp) -> Accepted {
    let source = "web_form".parse().unwrap();
    Accepted { submission: submission(id), clinic: clinic(), source, received_at: at }
}

fn names(found: &[Difference]) -> Vec<&str> {
    found.iter().filter_map(|one| one.submission_id.as_ref().map(SubmissionId::as_str)).collect()
}

async fn lost(store: &Store, late: Timestamp) -> Vec<Difference> {
    store.never_admitted(&clinic(), DAY.until, late, 10).await.unwrap()
}

#[tokio::test]
async fn a_submission_counts_once_and_is_lost_until_it_is_admitted() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    assert_eq!(store.accepted_on(&clinic(), DAY).await.unwrap(), None, "nobody counts");
    let (one, other) = (SystemClock.fresh_id(), SystemClock.fresh_id());
    store.counted_until(one, NINE, false).await.unwrap();
    admit(&store, &bare("s-1", "Ada Name")).await;
    // Two gateways tell, one of them twice; the second submission came through both.
    let [first, second, third] = ["s-1", "s-2", "s-3"].map(|id| accepted(id, NINE));
    let again = accepted("s-2", NINE + SignedDuration::from_hours(1));
    for _ in 0..2 {
        store.note_accepted(&[first.clone(), second.clone(), second.clone()]).await.unwrap();
    }
    store.counted_until(other, NINE, false).await.unwrap();
    store.note_accepted(&[again, third]).await.unwrap();
    assert_eq!(store.accepted_on(&clinic(), DAY).await.unwrap(), Some(3));
    assert_eq!(store.accepted_on(&"clinic-02".parse().unwrap(), DAY).await.unwrap(), Some(0));

    assert_eq!(names(&lost(&store, NINE).await), [""; 0], "it may be on its way");
    let late = NINE + SignedDuration::from_secs(1);
    let found = lost(&store, late).await;
    assert_eq!(names(&found), ["s-2", "s-3"]);
    assert_eq!((found[0].kind, found[0].since), (Kind::Lost, Some(NINE)));
    assert_eq!(found[0].source, Some("web_form".parse().unwrap()));
    admit(&store, &bare("s-2", "Ben Name")).await;
    assert_eq!(names(&lost(&store, late).await), ["s-3"]);
    assert_eq!(fixture.count("SELECT count(*) FROM accepted WHERE NOT admitted").await, 1);
    let month = SignedDuration::from_hours(31 * 24);
    let later = store.never_admitted(&clinic(), DAY.until + month, late + month, 10).await.unwrap();
    assert_eq!(names(&later), [""; 0], "given up");
}

#[tokio::test]
async fn a_gateway_that_stops_telling_is_missed_unless_it_said_that_there_is_no_more() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let [dead, closed, alive, later] = std::array::from_fn(|_| SystemClock.fresh_id());
    let hours = |hours| NINE + SignedDuration::from_hours(hours);
    store.counted_until(dead, NINE, false).await.unwrap();
    store.counted_until(closed, NINE, true).await.unwrap();
    store.counted_until(alive, NINE, false).await.unwrap();
    let untold = async || {
        let found = store.untold(DAY).await.unwrap();
        found.into_iter().map(|one| (one.gateway, one.since)).collect::<Vec<_>>()
    };
    assert_eq!(untold().await, [], "told a moment ago");
    fixture.clock.forward(3600);
    store.counted_until(alive, hours(1), false).await.unwrap();
    assert_eq!(untold().await, [(dead, NINE)]);
    // The day is over, and what began after it says nothing of it.
    fixture.clock.forward(24 * 3600);
    store.counted_until(alive, hours(25), false).await.unwrap();
    store.counted_until(later, hours(24), false).await.unwrap();
    assert_eq!(untold().await, [(dead, NINE)]);
    // It was only away, and its clock may be a little behind.
    store.counted_until(dead, hours(25), false).await.unwrap();
    store.counted_until(dead, hours(25) - SignedDuration::from_mins(4), false).await.unwrap();
    assert_eq!(untold().await, []);
    // One that was closed and began again is missed again.
    store.counted_until(closed, hours(1), false).await.unwrap();
    assert_eq!(untold().await, [(closed, hours(1))]);
    store.counted_until(closed, hours(25), false).await.unwrap();
    // Of one whose clock ran ahead nobody could say when it falls silent.
    store.counted_until(alive, hours(26), false).await.unwrap();
    assert_eq!(untold().await, [(alive, hours(26))]);
    // It is right again.
    store.counted_until(alive, hours(25), false).await.unwrap();
    assert_eq!(untold().await, []);
}
