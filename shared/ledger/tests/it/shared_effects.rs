//! Effects that several submissions of one person share.

use domain::{
    AdmissionId, PersonId,
    effect::{Kind, Resource},
};
use ledger::{
    After, Begin, BeginEffect, EffectResult, SearchResult, Store, Target,
    effects::{Permit, Role},
    read::OutcomeFilter,
};

use crate::support::{Fixture, LEASE, admit, blind, clinic, fresh_person, policy, request};

fn patient(admission: AdmissionId, person: PersonId) -> BeginEffect {
    BeginEffect {
        admission,
        clinic: clinic(),
        person,
        target: Target::Patient,
        idempotency: blind("patient"),
        policy: policy(),
    }
}

fn version(n: u32) -> Resource {
    Resource { id: "p-1".into(), version: Some(format!("W/\"{n}\"")) }
}

async fn permit(store: &Store, effect: &BeginEffect) -> Permit {
    match store.begin(effect.clone()).await.unwrap() {
        Begin::Go(permit) => permit,
        other => panic!("{other:?}"),
    }
}

/// Three submissions of one person, in the order of admission.
async fn three(fixture: &Fixture, store: &Store) -> [BeginEffect; 3] {
    let person = fresh_person();
    let mut effects = Vec::new();
    for n in 0..3 {
        let admission = admit(store, &request(&format!("s-{n}"), &format!("Ada Name{n}"), "9:00")).await;
        effects.push(patient(admission.admission, person));
    }
    assert_eq!(fixture.count("SELECT count(*) FROM submission").await, 3);
    effects.try_into().unwrap()
}

#[tokio::test]
async fn one_creates_the_others_wait_and_update_in_order() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let [oldest, middle, newest] = three(&fixture, &store).await;

    let create = permit(&store, &middle).await;
    assert_eq!((create.role, &create.resource), (Role::Create, &None));
    assert!(matches!(store.begin(newest.clone()).await.unwrap(), Begin::Wait { .. }));
    assert!(matches!(store.begin(oldest.clone()).await.unwrap(), Begin::Wait { .. }));
    store.settle(&create, EffectResult::Done(version(1))).await.unwrap();

    let update = permit(&store, &newest).await;
    assert_eq!((update.role, &update.resource), (Role::Update, &Some(version(1))));
    assert!(matches!(store.begin(oldest.clone()).await.unwrap(), Begin::Wait { .. }), "one writer at a time");
    let stale = EffectResult::Stale { version: Some("W/\"7\"".into()) };
    assert!(matches!(store.settle(&update, stale).await.unwrap(), After::Again));
    let update = permit(&store, &newest).await;
    assert_eq!(update.resource, Some(version(7)));
    store.settle(&update, EffectResult::Done(version(8))).await.unwrap();

    // What is older than what was written last has nothing to say.
    assert!(matches!(store.begin(oldest.clone()).await.unwrap(), Begin::Done(there) if there == version(8)));
    assert!(matches!(store.begin(middle).await.unwrap(), Begin::Done(there) if there.id == "p-1"));
    let trail = store.timeline(oldest.admission).await.unwrap().effects;
    assert_eq!(trail.iter().map(|line| line.event.as_str()).collect::<Vec<_>>(), ["skipped"]);
    let counts = store.counts(&OutcomeFilter::default()).await.unwrap();
    let patients: Vec<_> = counts
        .effects
        .iter()
        .map(|e| (e.kind, e.role.as_str(), e.state.as_str(), e.count, e.resources))
        .collect();
    assert_eq!(patients, [(Kind::Patient, "create", "done", 2, 1), (Kind::Patient, "update", "done", 1, 1)]);
}

#[tokio::test]
async fn pairs_at_the_same_instant_create_one_patient() {
    let fixture = Fixture::new().await;
    let stores = [fixture.store().await, fixture.store().await];
    for _ in 0..20 {
        let person = fresh_person();
        let pair = [crate::support::fresh_admission(), crate::support::fresh_admission()];
        let (a, b) = tokio::join!(
            stores[0].begin(patient(pair[0], person)),
            stores[1].begin(patient(pair[1], person))
        );
        match (a.unwrap(), b.unwrap()) {
            (Begin::Go(permit), Begin::Wait { .. }) | (Begin::Wait { .. }, Begin::Go(permit)) => {
                assert_eq!(permit.role, Role::Create);
            }
            both => panic!("{both:?}"),
        }
    }
    assert_eq!(fixture.count("SELECT count(*) FROM ehr_op WHERE state = 'intent'").await, 20);
}

#[tokio::test]
async fn whoever_comes_next_resolves_what_the_owner_left_in_doubt() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let [oldest, middle, _] = three(&fixture, &store).await;
    let lost = permit(&store, &oldest).await;
    fixture.clock.forward(LEASE);
    let Begin::Resolve(ticket) = store.begin(middle.clone()).await.unwrap() else { panic!() };
    assert_eq!(ticket.admission(), oldest.admission);
    store.searched(&ticket, SearchResult::Found(version(1))).await.unwrap();
    assert!(matches!(store.settle(&lost, EffectResult::NotSent).await.unwrap(), After::Fenced));
    let update = permit(&store, &middle).await;
    assert_eq!((update.role, update.resource), (Role::Update, Some(version(1))));
}

#[tokio::test]
async fn an_owner_that_never_sent_or_was_refused_leaves_the_creation_to_the_next() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let [oldest, middle, newest] = three(&fixture, &store).await;
    let first = permit(&store, &oldest).await;
    store.settle(&first, EffectResult::NotSent).await.unwrap();
    let second = permit(&store, &middle).await;
    assert_eq!(second.role, Role::Create);
    assert!(matches!(store.begin(oldest.clone()).await.unwrap(), Begin::Wait { .. }));
    let refused = EffectResult::Rejected { code: domain::Code::EhrRejected };
    store.settle(&second, refused).await.unwrap();
    let third = permit(&store, &newest).await;
    assert_eq!(third.role, Role::Create);
    store.settle(&third, EffectResult::Done(version(1))).await.unwrap();
    assert!(matches!(store.begin(oldest).await.unwrap(), Begin::Done(_)), "older than what was created");
    assert!(matches!(store.begin(middle).await.unwrap(), Begin::Rejected { .. }));
}

#[tokio::test]
async fn a_conflict_of_the_owner_holds_the_others_too() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let [oldest, middle, _] = three(&fixture, &store).await;
    let first = permit(&store, &oldest).await;
    let After::Resolve(doubt) = store.settle(&first, EffectResult::Unknown).await.unwrap() else { panic!() };
    store.searched(&doubt, SearchResult::Conflict).await.unwrap();
    assert!(matches!(store.begin(middle).await.unwrap(), Begin::Conflict));
}

#[tokio::test]
async fn a_coverage_is_created_once_and_reused() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let [oldest, middle, _] = three(&fixture, &store).await;
    let target = |member: &str| Target::Coverage { key: blind(member) };
    let first = BeginEffect { target: target("aetna 1"), ..oldest };
    let second = BeginEffect { target: target("aetna 1"), ..middle.clone() };
    let elsewhere = BeginEffect { target: target("aetna 2"), ..middle };
    let create = permit(&store, &first).await;
    assert!(matches!(store.begin(second.clone()).await.unwrap(), Begin::Wait { .. }));
    store.settle(&create, EffectResult::Done(version(1))).await.unwrap();
    assert!(matches!(store.begin(second).await.unwrap(), Begin::Done(there) if there == version(1)));
    // Of one submission one coverage is in force: the answer stays.
    assert!(matches!(store.begin(elsewhere).await.unwrap(), Begin::Done(_)));
}
