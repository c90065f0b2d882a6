//! One effect of one submission: leases, outcomes, searches.

use domain::{
    Code,
    effect::{Class, Kind, Policy, Resource},
};
use ledger::{
    After, Begin, BeginEffect, EffectResult, SearchResult, Store, Target,
    effects::{Permit, Ticket},
};

use crate::support::{Fixture, LEASE, blind, clinic, fresh_admission, fresh_person, policy};

fn appointment() -> BeginEffect {
    BeginEffect {
        admission: fresh_admission(),
        clinic: clinic(),
        person: fresh_person(),
        target: Target::Appointment,
        idempotency: blind("appointment"),
        policy: policy(),
    }
}

fn resource(id: &str) -> Resource {
    Resource { id: id.into(), version: Some("W/\"1\"".into()) }
}

async fn permit(store: &Store, effect: &BeginEffect) -> Permit {
    match store.begin(effect.clone()).await.unwrap() {
        Begin::Go(permit) => permit,
        other => panic!("{other:?}"),
    }
}

async fn ticket(store: &Store, effect: &BeginEffect) -> Ticket {
    match store.begin(effect.clone()).await.unwrap() {
        Begin::Resolve(ticket) => ticket,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn two_workers_race_for_one_lease_and_the_end_is_told_to_both() {
    let fixture = Fixture::new().await;
    let (one, other) = (fixture.store().await, fixture.store().await);
    for _ in 0..20 {
        let effect = appointment();
        let (a, b) = tokio::join!(one.begin(effect.clone()), other.begin(effect.clone()));
        let permit = match (a.unwrap(), b.unwrap()) {
            (Begin::Go(permit), Begin::Wait { .. }) | (Begin::Wait { .. }, Begin::Go(permit)) => permit,
            both => panic!("{both:?}"),
        };
        assert_eq!(permit.attempt(), 1);
        let done = EffectResult::Done(resource("a-1"));
        assert!(matches!(one.settle(&permit, done.clone()).await.unwrap(), After::Done(_)));
        // Saying it again, after a lost answer, is no harm.
        assert!(matches!(other.settle(&permit, done).await.unwrap(), After::Done(_)));
        assert!(matches!(other.begin(effect).await.unwrap(), Begin::Done(there) if there == resource("a-1")));
    }
}

#[tokio::test]
async fn an_intent_is_in_the_trail_before_its_outcome() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let effect = appointment();
    let first = permit(&store, &effect).await;
    assert!(matches!(store.settle(&first, EffectResult::NotSent).await.unwrap(), After::Again));
    let second = permit(&store, &effect).await;
    assert_eq!(second.attempt(), 2);
    let refused = EffectResult::Rejected { code: Code::EhrRejected };
    assert!(
        matches!(store.settle(&first, refused.clone()).await.unwrap(), After::Fenced),
        "an earlier lease"
    );
    assert!(matches!(
        store.settle(&second, refused).await.unwrap(),
        After::Rejected { code: Code::EhrRejected }
    ));
    assert!(matches!(
        store.begin(effect.clone()).await.unwrap(),
        Begin::Rejected { code: Code::EhrRejected }
    ));

    let trail = store.timeline(effect.admission).await.unwrap().effects;
    let events: Vec<_> = trail.iter().map(|line| (line.attempt, line.event.as_str())).collect();
    assert_eq!(events, [(1, "intent"), (1, "not_sent"), (2, "intent"), (2, "rejected")]);

    // A person changed what was refused.
    assert!(store.reopen(effect.admission, Kind::Appointment).await.unwrap());
    assert!(!store.reopen(effect.admission, Kind::Appointment).await.unwrap());
    assert_eq!(permit(&store, &effect).await.attempt(), 1);
    assert!(!store.reopen(effect.admission, Kind::Appointment).await.unwrap(), "not what is under way");
}

#[tokio::test]
async fn a_lapsed_lease_is_searched_for_and_its_holder_is_not_believed() {
    let fixture = Fixture::new().await;
    let (one, other) = (fixture.store().await, fixture.store().await);
    let effect = appointment();
    let zombie = permit(&one, &effect).await;
    fixture.clock.forward(LEASE);
    let doubt = ticket(&other, &effect).await;
    for late in [EffectResult::NotSent, EffectResult::Done(resource("a-1"))] {
        assert!(matches!(one.settle(&zombie, late).await.unwrap(), After::Fenced));
    }
    let found = SearchResult::Found(resource("a-1"));
    assert!(matches!(other.searched(&doubt, found).await.unwrap(), After::Done(_)));
    assert!(matches!(one.begin(effect).await.unwrap(), Begin::Done(_)));
}

#[tokio::test]
async fn an_outcome_after_the_lease_is_a_reason_to_search() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let effect = appointment();
    let slow = permit(&store, &effect).await;
    fixture.clock.forward(LEASE);
    let after = store.settle(&slow, EffectResult::NotSent).await.unwrap();
    assert!(matches!(after, After::Resolve(_)), "{after:?}");
}

#[tokio::test]
async fn nothing_found_twice_far_enough_apart_is_written_again() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let effect = appointment();
    let first = permit(&store, &effect).await;
    let After::Resolve(mut doubt) = store.settle(&first, EffectResult::Unknown).await.unwrap() else {
        panic!()
    };
    let mut searches = 0;
    loop {
        // An impatient searcher: every second.
        fixture.clock.forward(1);
        searches += 1;
        let began = domain::clock::Clock::now(fixture.clock.as_ref());
        match store.searched(&doubt, SearchResult::Nothing { began }).await.unwrap() {
            After::Resolve(next) => doubt = next,
            After::Again => break,
            other => panic!("{other:?}"),
        }
        assert!(matches!(store.begin(effect.clone()).await.unwrap(), Begin::Resolve(_)));
    }
    assert_eq!(searches, 16, "settled after 10 s, apart by more than 5 s");
    assert_eq!(permit(&store, &effect).await.attempt(), 2);
}

#[tokio::test]
async fn several_found_is_a_conflict_and_where_nobody_can_search_it_is_parked() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let effect = appointment();
    let first = permit(&store, &effect).await;
    let After::Resolve(doubt) = store.settle(&first, EffectResult::Unknown).await.unwrap() else { panic!() };
    assert!(matches!(store.searched(&doubt, SearchResult::Conflict).await.unwrap(), After::Conflict));
    assert!(matches!(store.begin(effect).await.unwrap(), Begin::Conflict));

    let effect = BeginEffect { policy: Policy { class: Class::C, ..policy() }, ..appointment() };
    let first = permit(&store, &effect).await;
    assert!(matches!(store.settle(&first, EffectResult::Unknown).await.unwrap(), After::Parked));
    assert!(matches!(store.begin(effect).await.unwrap(), Begin::Parked));
}

#[tokio::test]
async fn a_slot_is_given_back_once_and_may_be_claimed_again() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let booking = appointment();
    let claim = BeginEffect { target: Target::Slot, ..booking.clone() };
    let release = BeginEffect { target: Target::SlotRelease, ..booking.clone() };
    for _ in 0..2 {
        assert!(matches!(store.begin(release.clone()).await.unwrap(), Begin::Nothing), "nothing is claimed");
        let claiming = permit(&store, &claim).await;
        assert!(matches!(store.begin(release.clone()).await.unwrap(), Begin::Wait { .. }));
        store.settle(&claiming, EffectResult::Done(resource("slot-1"))).await.unwrap();
        assert!(matches!(store.begin(claim.clone()).await.unwrap(), Begin::Done(_)));

        let giving = permit(&store, &release).await;
        assert_eq!(giving.resource, Some(resource("slot-1")));
        store.settle(&giving, EffectResult::Done(resource("slot-1"))).await.unwrap();
        assert!(matches!(store.begin(release.clone()).await.unwrap(), Begin::Done(_)));
        let claimed_again = permit(&store, &claim).await;
        store.settle(&claimed_again, EffectResult::NotSent).await.unwrap();
    }
    let claiming = permit(&store, &claim).await;
    store.settle(&claiming, EffectResult::Done(resource("slot-1"))).await.unwrap();
    let booked = permit(&store, &booking).await;
    assert!(
        matches!(store.begin(release.clone()).await.unwrap(), Begin::Wait { .. }),
        "a booking may be under way"
    );
    store.settle(&booked, EffectResult::Done(resource("a-1"))).await.unwrap();
    assert!(matches!(store.begin(release).await.unwrap(), Begin::Nothing), "it is booked");
}
