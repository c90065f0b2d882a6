//! What people say about writes and messages whose outcome nobody else can tell.

use domain::{
    AdmissionId, Code, PersonId, Stage,
    effect::{Class, Kind, Policy, Resource},
    hold::Word,
    messages::Channel,
};
use jiff::SignedDuration;
use ledger::{
    Begin, BeginEffect, Decision, EffectResult, Permit, Store, Target,
    holds::Undecided,
    notifications::{BeginSend, SendResult},
    read::State,
};

use crate::{
    holds::{decide, hold},
    support::{Fixture, admit, blind, clinic, policy, request},
};

/// An EHR that cannot be searched.
fn patient((admission, person): (AdmissionId, PersonId)) -> BeginEffect {
    BeginEffect {
        admission,
        clinic: clinic(),
        person,
        target: Target::Patient,
        idempotency: blind("patient"),
        policy: Policy { class: Class::C, ..policy() },
    }
}

async fn admitted(store: &Store, id: &str) -> (AdmissionId, PersonId) {
    let admission = admit(store, &request(id, "Ada Lovelace", id)).await;
    match admission.decision {
        Decision::Admitted { person, .. } => (admission.admission, person),
        other => panic!("{other:?}"),
    }
}

async fn permit(store: &Store, of: (AdmissionId, PersonId)) -> Permit {
    match store.begin(patient(of)).await.unwrap() {
        Begin::Go(permit) => permit,
        other => panic!("{other:?}"),
    }
}

/// Writes, and never learns what came of it.
async fn doubt(store: &Store, of: (AdmissionId, PersonId)) -> Permit {
    let permit = permit(store, of).await;
    store.settle(&permit, EffectResult::Unknown).await.unwrap();
    assert!(matches!(store.begin(patient(of)).await.unwrap(), Begin::Parked));
    hold(store, of.0, Stage::EhrWriter, Code::EhrParked).await;
    permit
}

#[tokio::test]
async fn what_a_person_found_is_done_and_the_next_submission_updates_it() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let (one, next) = (admitted(&store, "s-1").await, admitted(&store, "s-2").await);
    let permit = doubt(&store, one).await;
    let shown = store.hold(one.0).await.unwrap().unwrap();
    let told: Vec<_> =
        shown.doubts.iter().map(|one| (one.admission_id, one.kind, one.state.as_str())).collect();
    assert_eq!(told, [(one.0, Kind::Patient, "parked")]);
    let decided = decide(&store, one.0, Word::Done, Some("p-7")).await.unwrap();
    assert_eq!((decided.effect, decided.state), (Some(Kind::Patient), State::InFlight));
    let there = Resource { id: "p-7".into(), version: None };
    assert!(matches!(store.begin(patient(one)).await.unwrap(), Begin::Done(done) if done == there));
    // What the lost worker still tells is not heard.
    store.settle(&permit, EffectResult::Done(Resource { id: "p-8".into(), version: None })).await.unwrap();
    assert!(matches!(store.begin(patient(one)).await.unwrap(), Begin::Done(done) if done == there));
    match store.begin(patient(next)).await.unwrap() {
        Begin::Go(permit) => assert_eq!(permit.resource, Some(there)),
        other => panic!("{other:?}"),
    }
    let trail = store.timeline(one.0).await.unwrap().effects;
    let events: Vec<_> = trail.iter().map(|event| event.event.as_str()).collect();
    assert!(events.contains(&"ambiguous") && events.contains(&"confirmed"), "{events:?}");
}

#[tokio::test]
async fn only_a_persons_word_lets_it_be_written_again() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let (one, waits) = (admitted(&store, "s-1").await, admitted(&store, "s-2").await);
    let first = doubt(&store, one).await;
    // The other submission of the person waits for the first one's outcome. It has nothing in doubt itself.
    assert!(matches!(store.begin(patient(waits)).await.unwrap(), Begin::Parked));
    hold(&store, waits.0, Stage::EhrWriter, Code::EhrParked).await;
    let shown = store.hold(waits.0).await.unwrap().unwrap();
    assert_eq!(shown.doubts.iter().map(|one| one.admission_id).collect::<Vec<_>>(), [one.0]);
    assert_eq!(decide(&store, waits.0, Word::NotDone, None).await, Err(Undecided::NothingInDoubt));
    decide(&store, waits.0, Word::Again, None).await.unwrap();
    assert!(matches!(store.begin(patient(waits)).await.unwrap(), Begin::Parked), "again is no word on it");

    decide(&store, one.0, Word::NotDone, None).await.unwrap();
    let second = permit(&store, one).await;
    assert_ne!(first.of().op(), second.of().op(), "a round of its own");
    // The other one waits now for the write that is under way.
    assert!(matches!(store.begin(patient(waits)).await.unwrap(), Begin::Wait { .. }));
    let made = Resource { id: "p-1".into(), version: Some("1".into()) };
    store.settle(&second, EffectResult::Done(made.clone())).await.unwrap();
    match store.begin(patient(waits)).await.unwrap() {
        Begin::Go(permit) => assert_eq!(permit.resource, Some(made)),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_update_in_doubt_is_of_what_was_there_and_of_nothing_else() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let (one, next) = (admitted(&store, "s-1").await, admitted(&store, "s-2").await);
    let created = permit(&store, one).await;
    let there = Resource { id: "p-1".into(), version: Some("1".into()) };
    store.settle(&created, EffectResult::Done(there)).await.unwrap();
    doubt(&store, next).await;
    assert_eq!(decide(&store, next.0, Word::Done, Some("p-2")).await, Err(Undecided::AnotherResource));
    assert_eq!(store.hold(next.0).await.unwrap().unwrap().doubts[0].resource.as_deref(), Some("p-1"));
    decide(&store, next.0, Word::Done, Some("p-1")).await.unwrap();
    assert!(matches!(store.begin(patient(next)).await.unwrap(), Begin::Done(done) if done.id == "p-1"));
}

#[tokio::test]
async fn what_is_written_while_a_person_decides_is_not_what_they_were_asked_about() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let one = admitted(&store, "s-1").await;
    hold(&store, one.0, Stage::EhrWriter, Code::EhrParked).await;
    let permit = permit(&store, one).await;
    assert_eq!(decide(&store, one.0, Word::NotDone, None).await, Err(Undecided::UnderWay));
    store.settle(&permit, EffectResult::NotSent).await.unwrap();
    assert_eq!(decide(&store, one.0, Word::NotDone, None).await, Err(Undecided::NothingInDoubt));
}

#[tokio::test]
async fn a_message_in_doubt_is_sent_again_only_if_a_person_says_so() {
    const LEASE: SignedDuration = SignedDuration::from_secs(30);
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let begin = async |id| store.begin_send(id, Channel::Sms, LEASE).await.unwrap();
    for word in [Word::Sent, Word::SendAgain, Word::Close] {
        let (id, _) = admitted(&store, word.as_str()).await;
        let BeginSend::Go(permit) = begin(id).await else { panic!("{word}") };
        store.settle_send(&permit, SendResult::Unknown).await.unwrap();
        assert!(matches!(begin(id).await, BeginSend::Unknown));
        hold(&store, id, Stage::Notification, Code::NotificationParked).await;
        let decided = decide(&store, id, word, None).await.unwrap();
        let (state, now) = (decided.state, begin(id).await);
        let right = match word {
            Word::Sent => state == State::InFlight && matches!(now, BeginSend::AlreadySent),
            Word::SendAgain => state == State::InFlight && matches!(now, BeginSend::Go(_)),
            _ => state == State::Completed && matches!(now, BeginSend::Unknown),
        };
        assert!(right, "{word}: {state} {now:?}");
        let late = SendResult::Sent { provider_id: None };
        assert_eq!(store.settle_send(&permit, late).await.unwrap(), word != Word::SendAgain, "{word}");
    }
}
