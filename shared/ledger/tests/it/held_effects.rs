//! What people say about writes and messages whose outcome nobody else can tell.

use domain::{
    AdmissionId, Code, PersonId, Stage,
    clock::Clock,
    effect::{Class, Kind, Policy, Resource},
    hold::Word,
    hop::{Event, Hop, Transition},
    messages::Channel,
    ports::HopLog,
};
use jiff::SignedDuration;
use ledger::{
    After, Begin, BeginEffect, Decision, EffectResult, Permit, Store, Target,
    holds::Undecided,
    notifications::{BeginSend, SendResult},
    read::State,
};

use crate::{
    holds::{decide, hold},
    support::{Fixture, admit, blind, clinic, hop, policy, request},
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

#[tokio::test]
async fn what_was_closed_in_doubt_is_answered_by_whoever_waits_for_it() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let (one, waits) = (admitted(&store, "s-1").await, admitted(&store, "s-2").await);
    doubt(&store, one).await;
    assert!(matches!(store.begin(patient(waits)).await.unwrap(), Begin::Parked));
    hold(&store, waits.0, Stage::EhrWriter, Code::EhrParked).await;
    // As long as somebody can be asked about the first one, it is theirs to answer.
    assert_eq!(decide(&store, waits.0, Word::NotDone, None).await, Err(Undecided::NothingInDoubt));
    decide(&store, one.0, Word::Close, None).await.unwrap();
    assert_eq!(store.hold(waits.0).await.unwrap().unwrap().doubts[0].admission_id, one.0);
    let decided = decide(&store, waits.0, Word::Done, Some("p-7")).await.unwrap();
    assert_eq!(decided.effect, Some(Kind::Patient));
    match store.begin(patient(waits)).await.unwrap() {
        Begin::Go(permit) => assert_eq!(permit.resource.unwrap().id, "p-7"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn when_a_write_was_given_up_is_known_to_whoever_writes_it_again() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let (one, waits) = (admitted(&store, "s-1").await, admitted(&store, "s-2").await);
    doubt(&store, one).await;
    assert!(matches!(store.begin(patient(waits)).await.unwrap(), Begin::Parked));
    let given_up = fixture.clock.now();
    fixture.clock.forward(5);
    hold(&store, waits.0, Stage::EhrWriter, Code::EhrParked).await;
    assert_eq!(store.decisions(one.0).await.unwrap().given_up, None, "nobody has said anything");
    decide(&store, one.0, Word::Close, None).await.unwrap();
    decide(&store, waits.0, Word::NotDone, None).await.unwrap();
    assert_eq!(store.decisions(waits.0).await.unwrap().given_up, Some(given_up), "another one's write");

    let other = admitted(&store, "s-3").await;
    let write = permit(&store, other).await;
    store.settle(&write, EffectResult::Unknown).await.unwrap();
    let given_up = fixture.clock.now();
    hold(&store, other.0, Stage::EhrWriter, Code::EhrParked).await;
    fixture.clock.forward(5);
    decide(&store, other.0, Word::NotDone, None).await.unwrap();
    assert_eq!(store.decisions(other.0).await.unwrap().given_up, Some(given_up), "its own");
}

#[tokio::test]
async fn a_patient_named_by_mistake_is_asked_about_again() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let one = admitted(&store, "s-1").await;
    doubt(&store, one).await;
    decide(&store, one.0, Word::Done, Some("p-7")).await.unwrap();
    assert!(store.refute(&patient(one), "p-7").await.unwrap());
    assert!(!store.refute(&patient(one), "p-7").await.unwrap(), "it is known");
    assert!(matches!(store.begin(patient(one)).await.unwrap(), Begin::Conflict));
    hold(&store, one.0, Stage::EhrWriter, Code::EhrConflict).await;
    assert_eq!(store.hold(one.0).await.unwrap().unwrap().doubts[0].state, "conflict");
    decide(&store, one.0, Word::Done, Some("p-1")).await.unwrap();
    assert!(matches!(store.begin(patient(one)).await.unwrap(), Begin::Done(done) if done.id == "p-1"));
}

#[tokio::test]
async fn what_is_held_again_is_asked_anew() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let one = admitted(&store, "s-1").await;
    // An EHR that can be searched, only not now.
    let searched = || BeginEffect { policy: policy(), ..patient(one) };
    hold(&store, one.0, Stage::EhrWriter, Code::EhrParked).await;
    // It was not acknowledged: the line is at it once more, and holds it again.
    fixture.clock.forward(60);
    let Begin::Go(write) = store.begin(searched()).await.unwrap() else { panic!("nothing was written") };
    assert!(matches!(store.settle(&write, EffectResult::Unknown).await.unwrap(), After::Resolve(_)));
    assert_eq!(decide(&store, one.0, Word::NotDone, None).await, Err(Undecided::UnderWay));
    let transition = Some(Transition::Hold { code: Code::EhrParked, field: None });
    let finished_at = fixture.clock.now();
    let again = Hop { transition, finished_at, parked: None, ..hop(one.0, Stage::EhrWriter, Event::Held) };
    store.append(again).await.unwrap();
    assert_eq!(store.hold(one.0).await.unwrap().unwrap().row.since, finished_at);
    assert_eq!(decide(&store, one.0, Word::NotDone, None).await.unwrap().effect, Some(Kind::Patient));
}

#[tokio::test]
async fn of_two_messages_in_doubt_each_is_answered_by_its_name() {
    const LEASE: SignedDuration = SignedDuration::from_secs(30);
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let (id, _) = admitted(&store, "s-1").await;
    for channel in Channel::ALL {
        let BeginSend::Go(permit) = store.begin_send(id, channel, LEASE).await.unwrap() else {
            panic!("{channel:?}")
        };
        store.settle_send(&permit, SendResult::Unknown).await.unwrap();
    }
    hold(&store, id, Stage::Notification, Code::NotificationParked).await;
    assert_eq!(store.hold(id).await.unwrap().unwrap().channels, Channel::ALL);
    for name in [None, Some("fax")] {
        assert_eq!(decide(&store, id, Word::SendAgain, name).await, Err(Undecided::NotOffered), "{name:?}");
    }
    decide(&store, id, Word::Sent, Some("email")).await.unwrap();
    let begin = async |channel| store.begin_send(id, channel, LEASE).await.unwrap();
    assert!(matches!(begin(Channel::Email).await, BeginSend::AlreadySent));
    assert!(matches!(begin(Channel::Sms).await, BeginSend::Unknown), "nothing was said of it");
    hold(&store, id, Stage::Notification, Code::NotificationParked).await;
    assert_eq!(store.hold(id).await.unwrap().unwrap().channels, [Channel::Sms]);
    decide(&store, id, Word::SendAgain, None).await.unwrap();
    assert!(matches!(begin(Channel::Sms).await, BeginSend::Go(_)));
    assert!(matches!(begin(Channel::Email).await, BeginSend::AlreadySent));
}
