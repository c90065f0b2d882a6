//! What people have ended may be asked for again, unless its appointment is there or may be.

use domain::{
    AdmissionId, Code, Stage,
    effect::Resource,
    hold::Word,
    hop::{Event, Hop, Transition},
    letter::DeadLetter,
    ports::HopLog,
};
use ledger::{
    Begin, BeginEffect, Decision, EffectResult, Store, Target,
    acts::Actor,
    letters::{Approved, Move},
};

use crate::{
    holds::{decide, hold},
    letters::{keep, letter},
    support::{Fixture, admit, blind, clinic, fresh_message, fresh_person, hop, policy, request},
};

async fn admitted(store: &Store, id: &str) -> AdmissionId {
    let admission = admit(store, &request(id, "Ada Lovelace", "9:00")).await;
    assert!(matches!(admission.decision, Decision::Admitted { .. }), "{id}: {:?}", admission.decision);
    admission.admission
}

/// What becomes of the same request under a new identifier.
async fn resent(store: &Store, id: &str) -> Decision {
    admit(store, &request(id, "Ada Lovelace", "9:00")).await.decision
}

fn is_duplicate(decision: &Decision) -> bool {
    matches!(decision, Decision::Duplicate { of } if of.as_str() == "s-1")
}

async fn appointment(store: &Store, admission: AdmissionId, result: EffectResult) {
    let effect = BeginEffect {
        admission,
        clinic: clinic(),
        person: fresh_person(),
        target: Target::Appointment,
        idempotency: blind("appointment"),
        policy: policy(),
    };
    let Begin::Go(permit) = store.begin(effect).await.unwrap() else { panic!("nothing is written yet") };
    store.settle(&permit, result).await.unwrap();
}

fn booked() -> EffectResult {
    EffectResult::Done(Resource { id: "appointment-1".into(), version: None })
}

#[tokio::test]
async fn what_was_closed_may_be_asked_for_again_and_does_not_come_back() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let first = request("s-1", "Ada Lovelace", "9:00");
    let closed = admit(&store, &first).await.admission;
    assert!(is_duplicate(&resent(&store, "s-2").await));
    hold(&store, closed, Stage::EhrWriter, Code::SlotTaken).await;
    decide(&store, closed, Word::Close, None).await.unwrap();
    let admitted = resent(&store, "s-3").await;
    assert!(matches!(admitted, Decision::Admitted { new_person: false, .. }), "{admitted:?}");
    // The closed one, redelivered by its sender, is not booked beside it.
    assert_eq!(admit(&store, &first).await.decision, Decision::Repeat);
}

#[tokio::test]
async fn what_is_closed_with_its_appointment_there_or_in_doubt_stays_asked_for() {
    for result in [booked(), EffectResult::Unknown] {
        let fixture = Fixture::new().await;
        let store = fixture.store().await;
        let closed = admitted(&store, "s-1").await;
        appointment(&store, closed, result.clone()).await;
        hold(&store, closed, Stage::EhrWriter, Code::EhrParked).await;
        decide(&store, closed, Word::Close, None).await.unwrap();
        assert!(is_duplicate(&resent(&store, "s-2").await), "{result:?}");
    }
    // One that the EHR refused is not there.
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let closed = admitted(&store, "s-1").await;
    appointment(&store, closed, EffectResult::Rejected { code: Code::EhrRejected }).await;
    hold(&store, closed, Stage::EhrWriter, Code::SlotTaken).await;
    decide(&store, closed, Word::Close, None).await.unwrap();
    assert!(!is_duplicate(&resent(&store, "s-2").await));
}

async fn dies(store: &Store, admission: AdmissionId, died_at: &str) -> DeadLetter {
    let transition = Some(Transition::Die { code: Code::EhrRejected, field: None });
    store.append(Hop { transition, ..hop(admission, Stage::EhrWriter, Event::Died) }).await.unwrap();
    let died = DeadLetter {
        admission: Some(admission),
        message: Some(fresh_message()),
        ..letter(Some("clinic-01"), died_at, None)
    };
    keep(store, std::slice::from_ref(&died)).await;
    died
}

async fn discard(store: &Store, letter: &DeadLetter) {
    let actor = |name: &str| Actor { name: name.to_owned(), role: "operator".to_owned() };
    let asked = store.request_discard(&[letter.id], &actor("ann"), "spam").await.unwrap().unwrap();
    let approved = store.approve_discard(asked.id, &actor("bob"), "yes").await.unwrap();
    assert!(matches!(approved, Approved::Done(_)), "{approved:?}");
}

#[tokio::test]
async fn what_was_discarded_may_be_asked_for_again_once_none_of_its_letters_is_left() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let first = admitted(&store, "s-1").await;
    let letters = [dies(&store, first, "08:10").await, dies(&store, first, "08:20").await];
    let ann = Actor { name: "ann".to_owned(), role: "operator".to_owned() };
    store.move_letters(&[letters[1].id], Move::Archive, &ann, "aside").await.unwrap();
    discard(&store, &letters[0]).await;
    assert!(is_duplicate(&resent(&store, "s-2").await), "the other letter may be replayed");
    discard(&store, &letters[1]).await;
    assert!(matches!(resent(&store, "s-3").await, Decision::Admitted { .. }));
}

#[tokio::test]
async fn what_was_discarded_with_its_appointment_there_stays_asked_for() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let first = admitted(&store, "s-1").await;
    appointment(&store, first, booked()).await;
    let letter = dies(&store, first, "08:10").await;
    discard(&store, &letter).await;
    assert!(is_duplicate(&resent(&store, "s-2").await));
    // As is one that a person booked by hand.
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let first = admitted(&store, "s-1").await;
    hold(&store, first, Stage::EhrWriter, Code::EhrCannotBook).await;
    decide(&store, first, Word::Done, Some("appointment-7")).await.unwrap();
    let letter = dies(&store, first, "08:10").await;
    discard(&store, &letter).await;
    assert!(is_duplicate(&resent(&store, "s-2").await), "by hand");
}
